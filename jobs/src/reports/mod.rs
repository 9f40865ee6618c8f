//! Reports.

mod expire_reports;
mod generate_report;
mod request_subscribed;
mod schedule_daily_reports;
mod schedule_monthly_reports;
mod schedule_weekly_reports;

pub use expire_reports::ExpireReports;
pub use generate_report::{Begun, GenerateReport, RequestError, Wish, ask, request};
pub use request_subscribed::RequestSubscribed;
pub use schedule_daily_reports::ScheduleDailyReports;
pub use schedule_monthly_reports::ScheduleMonthlyReports;
pub use schedule_weekly_reports::ScheduleWeeklyReports;
