//! Terms of plans that follow on each other, and charges that are paid or not.

mod charge_plan;
mod dun_charge;
mod renew_plan;
mod sweep_plans;
#[cfg(test)]
mod tests;

pub(crate) use charge_plan::follow_plan;
