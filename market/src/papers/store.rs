//! SQL for papers. What they show is read when they are printed.

mod ask;
mod content;
mod life;

use shared::invalid::violated;

use crate::appointments::store::AppointmentError;
use crate::orders::model::OrderStatus;

pub use ask::{ask, set_job};
pub use content::{collection, consignment, country_names, picking_list};
pub use life::{expire, fail, find, finish, overdue};

/// The most papers that an organisation asks for within a day, as the table's rule says.
pub const MOST_PER_DAY: u32 = 5_000;

/// Why no paper is printed.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// The order, shipment or appointment, or the paper itself.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("not possible while the order is {0:?}")]
    OrderStatus(OrderStatus),
    #[error("the shipment was cancelled")]
    ShipmentStatus,
    #[error("nothing in the shipment is of a category of waste")]
    NoWaste,
    #[error("{MOST_PER_DAY} papers of this organisation were asked for within a day")]
    TooMany,
    #[error(transparent)]
    Appointment(#[from] AppointmentError),
    #[error("the database failed")]
    Sql(#[source] sqlx::Error),
}

impl From<sqlx::Error> for PaperError {
    fn from(error: sqlx::Error) -> Self {
        if violated(&error) == Some("papers_per_day") { Self::TooMany } else { Self::Sql(error) }
    }
}
