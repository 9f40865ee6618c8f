//! Why an act on an appointment is refused, as clients are told.

use jobs::appointments::ActError;
use market::appointments::rules::AppointmentRefusal;
use market::appointments::store::AppointmentError;

use crate::error::Problem;

impl From<AppointmentError> for Problem {
    fn from(error: AppointmentError) -> Self {
        match error {
            AppointmentError::NotFound => Self::not_found("appointment"),
            AppointmentError::NoOrder => Self::not_found("order"),
            AppointmentError::Refused(refusal) => refusal.into(),
            AppointmentError::Escrow(error) => error.into(),
            AppointmentError::Shipment(error) => error.into(),
            AppointmentError::Ledger(error) => Self::internal(error),
            AppointmentError::Stock(error) => error.into(),
            AppointmentError::Invalid(invalid) => invalid.into(),
            AppointmentError::Sql(error) => error.into(),
        }
    }
}

impl From<ActError> for Problem {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Appointment(error) => error.into(),
            ActError::Shipment(error) => error.into(),
            ActError::Mail(error) => error.into(),
        }
    }
}

impl From<AppointmentRefusal> for Problem {
    fn from(refusal: AppointmentRefusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            AppointmentRefusal::OrderStatus(_) => Self::conflict("order_status", text),
            AppointmentRefusal::NothingThere => Self::conflict("nothing_to_collect", text),
            AppointmentRefusal::NotForCollection => Self::conflict("not_for_collection", text),
            AppointmentRefusal::NothingToDeliver => Self::conflict("nothing_to_deliver", text),
            AppointmentRefusal::NotForDelivery => Self::conflict("not_for_delivery", text),
            AppointmentRefusal::Status(_) => Self::conflict("appointment_status", text),
            AppointmentRefusal::Exists => Self::conflict("appointment_exists", text),
            AppointmentRefusal::SlotTaken => Self::conflict("slot_taken", text),
            AppointmentRefusal::TooClose { .. } => Self::conflict("appointment_too_close", text),
            AppointmentRefusal::NoCollection => Self::conflict("not_collected", text),
            AppointmentRefusal::NoPass => Self::not_found("pass"),
            AppointmentRefusal::OtherSite => Self::conflict("pass_of_other_site", text),
            AppointmentRefusal::PassUsed => Self::conflict("pass_used", text),
            AppointmentRefusal::PassExpired => Self::conflict("pass_expired", text),
            AppointmentRefusal::StorageDue(_) => Self::conflict("storage_due", text),
            AppointmentRefusal::NothingDue => Self::conflict("nothing_due", text),
        }
    }
}
