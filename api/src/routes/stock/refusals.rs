//! Why an act on stock is refused, as clients are told.

use axum::http::StatusCode;
use market::stock::store::StockError;

use crate::error::Problem;

impl From<StockError> for Problem {
    fn from(error: StockError) -> Self {
        let text = error.to_string();
        match error {
            StockError::NotFound => Self::not_found("site or stock level"),
            StockError::OutOfStock { .. } => Self::conflict("out_of_stock", text),
            StockError::LevelFull => Self::conflict("level_full", text),
            StockError::SiteFull => Self::conflict("site_full", text),
            StockError::Changed { .. } => Self::new(StatusCode::PRECONDITION_FAILED, "changed_meanwhile", text),
            StockError::SiteArchived => Self::conflict("site_archived", text),
            StockError::NoRegion => Self::not_found("region"),
            StockError::RegionTaken => Self::conflict("region_exists", text).at("/slug", "taken"),
            StockError::RegionInUse => Self::conflict("region_in_use", text),
            StockError::SiteInUse => Self::conflict("site_in_use", text),
            StockError::CapacitySettled => Self::conflict("site_capacity_settled", text),
            StockError::Invalid(invalid) => invalid.into(),
            StockError::Database(error) => error.into(),
        }
    }
}
