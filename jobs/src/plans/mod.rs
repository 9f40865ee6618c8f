//! Plans: terms that follow on each other, charges that are paid or not, and what the owners hear of it.

mod charge_plan;
mod choose;
mod dun_charge;
pub mod mail;
mod renew_plan;
mod sweep_plans;

pub use charge_plan::ChargePlan;
pub use choose::{ActError, choose};
pub use dun_charge::DunCharge;
pub use renew_plan::RenewPlan;
pub use sweep_plans::SweepPlans;
