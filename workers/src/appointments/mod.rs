//! What time does with appointments.

mod charge_storage;
mod end_appointments;
mod remind_parties;
#[cfg(test)]
pub(crate) mod tests;

/// How many appointments one transaction deals with.
const MOST: i64 = 100;
/// How many transactions one run makes; the next run takes the rest.
const ROUNDS: u32 = 100;
