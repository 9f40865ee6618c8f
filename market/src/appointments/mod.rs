//! Appointments: when goods of an order are collected at a site, and the pass that they are given out for.

pub mod model;
pub mod rules;
pub mod store;
