//! What sellers see of their listings: who has looked, asked and bought.

pub mod model;
pub mod store;
