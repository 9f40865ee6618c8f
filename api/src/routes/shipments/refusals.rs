//! Why an act on a shipment or a vehicle is refused, as clients are told.

use jobs::shipments::ActError;
use market::shipments::rules::ShipmentRefusal;
use market::shipments::store::ShipmentError;

use crate::error::Problem;

impl From<ShipmentError> for Problem {
    fn from(error: ShipmentError) -> Self {
        match error {
            ShipmentError::NotFound => Self::not_found("shipment"),
            ShipmentError::NoVehicle => Self::not_found("vehicle"),
            ShipmentError::NoOrder => Self::not_found("order"),
            ShipmentError::Refused(refusal) => refusal.into(),
            ShipmentError::Escrow(error) => error.into(),
            ShipmentError::Stock(error) => error.into(),
            ShipmentError::Invalid(invalid) => invalid.into(),
            ShipmentError::Sql(error) => error.into(),
        }
    }
}

impl From<ActError> for Problem {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Shipment(error) => error.into(),
            ActError::Enqueue(error) => error.into(),
            ActError::Mail(error) => error.into(),
        }
    }
}

impl From<ShipmentRefusal> for Problem {
    fn from(refusal: ShipmentRefusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            ShipmentRefusal::Status(_) => Self::conflict("shipment_status", text),
            ShipmentRefusal::OrderStatus(_) => Self::conflict("order_status", text),
            ShipmentRefusal::VehicleFull { .. } => Self::conflict("vehicle_full", text),
            ShipmentRefusal::InMaintenance { .. } => Self::conflict("vehicle_in_maintenance", text),
            ShipmentRefusal::VehicleInUse => Self::conflict("vehicle_in_use", text),
            ShipmentRefusal::UnknownLine(_)
            | ShipmentRefusal::TwiceNamed(_)
            | ShipmentRefusal::Quantity { .. }
            | ShipmentRefusal::NoLine => {
                Self::unprocessable("invalid_value", "the lines are not possible").at("/lines", text)
            }
        }
    }
}
