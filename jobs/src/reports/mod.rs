//! Reports.

mod expire_reports;
mod generate_report;
mod schedule_daily_reports;

pub use expire_reports::ExpireReports;
pub use generate_report::{GenerateReport, RequestError, request};
pub use schedule_daily_reports::ScheduleDailyReports;
