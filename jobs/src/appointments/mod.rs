//! Appointments: what follows from each act, and what time does with them.

mod act;
mod charge_storage;
mod end_appointments;
pub mod mail;
mod remind_parties;

pub use act::{ActError, accept, book, cancel, redeem, reschedule};
pub use charge_storage::ChargeStorage;
pub use end_appointments::EndAppointments;
pub use remind_parties::RemindParties;
