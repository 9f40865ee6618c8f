//! Every job, by the pool that runs it; not a domain, unlike `market::catalog`. Adding a job takes a contract file, a handler file and one
//! line here: the scheduler, the API and the CLI know it from [`registry`], and its pool does not
//! compile until it has a handler.

use queue::registry::{DuplicateKind, KindInfo, Registry};

/// Calls `$with!` with the list: `pool { path::to::Job, … }` for every pool.
#[macro_export]
macro_rules! for_each_job {
    ($with:ident) => {
        $with! {
            auctions {
                $crate::auctions::OpenAuction,
                $crate::auctions::CloseAuction,
                $crate::auctions::RemindBidders,
                $crate::auctions::NotifyOutbid,
                $crate::auctions::NotifyLeader,
                $crate::auctions::DefaultAward,
                $crate::auctions::ExpireApproval,
                $crate::auctions::ExpireSecondChance,
                $crate::auctions::FlagAccounts,
                $crate::auctions::SweepAuctions,
                $crate::checkout::ExpireCheckout,
                $crate::checkout::NotifyParties,
                $crate::checkout::SweepCheckouts,
                $crate::offers::ExpireOffer,
                $crate::offers::SweepOffers,
                $crate::escrow::Charge,
                $crate::escrow::SendRefund,
                $crate::escrow::ApplyWebhook,
                $crate::escrow::ReleaseEscrow,
                $crate::escrow::NotifyOrder,
                $crate::escrow::SweepPayments,
                $crate::returns::LapseReturn,
                $crate::returns::SweepReturns,
                $crate::appointments::ChargeStorage,
                $crate::appointments::EndAppointments,
                $crate::appointments::RemindParties,
                $crate::payouts::CheckPayoutAccount,
                $crate::payouts::MakePayouts,
                $crate::payouts::SendPayout,
                $crate::payouts::SweepPayouts,
                $crate::plans::ChargePlan,
                $crate::reconciliation::Reconcile,
            }
            emails {
                $crate::emails::SendEmail,
                $crate::webhooks::DeliverWebhook,
            }
            images {
                $crate::images::ProcessImage,
                $crate::images::DeleteImage,
                $crate::images::DeleteReplaced,
            }
            reports {
                $crate::reports::GenerateReport,
                $crate::reports::RequestSubscribed,
                $crate::reports::ScheduleDailyReports,
                $crate::reports::ScheduleMonthlyReports,
                $crate::reports::ScheduleWeeklyReports,
                $crate::reports::ExpireReports,
                $crate::exports::GenerateExport,
                $crate::exports::ExpireExports,
                $crate::invoices::RenderInvoice,
                $crate::invoices::SweepInvoices,
                $crate::invoices::RemindExports,
                $crate::invoices::TaxExports,
                $crate::papers::PrintPaper,
                $crate::papers::ExpirePapers,
                $crate::imports::ImportStock,
                $crate::imports::ImportListings,
                $crate::imports::ImportPastSales,
                $crate::imports::ExpireImports,
                $crate::images::PurgeUploads,
                $crate::images::ReprocessImages,
                $crate::money::RefreshRates,
                $crate::search::ConvertPrices,
                $crate::search::MatchSaved,
                $crate::watches::NotifyWatchers,
                $crate::notices::PurgeNotices,
                $crate::plans::DunCharge,
                $crate::plans::RenewPlan,
                $crate::plans::SweepPlans,
                $crate::reviews::AskReviews,
                $crate::reviews::ShowReviews,
                $crate::reviews::SweepReviews,
                $crate::documents::RemindDocuments,
                $crate::documents::SweepDocuments,
                $crate::maintenance::CancelJobs,
                $crate::maintenance::RetryJobs,
                $crate::maintenance::PruneJobs,
                $crate::maintenance::PurgeIdempotencyKeys,
                $crate::maintenance::PurgeIdentity,
                $crate::maintenance::SweepFiles,
                $crate::identity::ErasePerson,
                $crate::webhooks::PurgeDeliveries,
                $crate::webhooks::SweepDeliveries,
            }
            cargo {
                $crate::cargo::ArchiveEvents,
                $crate::cargo::CreatePartitions,
                $crate::cargo::ProjectStandings,
                $crate::cargo::StaleTracking,
                $crate::cargo::SweepStandings,
                $crate::shipments::ReportShipment,
            }
            chat {
                $crate::chat::NotifyUnread,
                $crate::chat::RotateKeys,
                $crate::chat::SweepUnread,
            }
        }
    };
}

macro_rules! kinds {
    ($($pool:ident { $($job:ty),* $(,)? })*) => {
        [$($(KindInfo::of::<$job>(),)*)*]
    };
}

/// The product's kinds.
pub fn registry() -> Result<Registry, DuplicateKind> {
    Registry::new(for_each_job!(kinds))
}

#[cfg(test)]
mod tests;
