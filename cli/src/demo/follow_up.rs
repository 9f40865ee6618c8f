//! What follows from the auctions: payments, the report, shipments, defaults, disputes, and the shop.

use shared::ids::OrgId;

use super::chats::{self, Chats};
use super::client::Token;
use super::fates::{self, Counts, Fate};
use super::people::Registry;
use super::progress::Step;
use super::run::{AT_ONCE, Run};
use super::sales::{Sales, first_day};
use super::settle::Round;
use super::shop::Shop;
use super::store::Stored;
use super::store::hooks::Webhooks;
use super::store::sales::Sale;
use super::trade::Trade;

impl Run<'_> {
    /// Does what is missing of all that; returns the shop.
    pub(super) async fn follow_up(
        &self,
        stored: &mut Stored,
        registry: &Registry<'_>,
        round: &Round,
    ) -> anyhow::Result<OrgId> {
        let people = stored.people(self.plan).await?;
        let shop = people.get(&self.plan.shop_email()).and_then(|person| person.org);
        let wanted = Counts::of(self.plan, self.orders);
        if let Some(shop) = shop
            && self.is_reported(stored, round).await?
            && stored.ends(&[round.seller, shop]).await? == wanted
            && stored.webhooks(&[round.seller, shop]).await?
                == (Webhooks { delivered: wanted.webhooks(), waiting: 0, is_followed: true })
            && stored.chat_messages(round.seller).await? == chats::wanted(self.plan)
        {
            return Ok(shop);
        }
        let admin = registry.admin(self.config, stored, &people).await?;
        let seller = registry.log_in(&self.plan.seller_email(round.number)).await?;
        registry.follow(stored, &seller).await?;
        let client = registry.client;
        let trade = Trade {
            client,
            registry,
            admin: &admin,
            seller: &seller,
            seller_org: round.seller,
            is_tracked: true,
            at_once: AT_ONCE,
        };
        let fate = |_: usize, sale: &Sale| self.fate(sale);
        trade.pay(stored, fate).await?;
        // Before anybody has defaulted: the report has what was sold at the close.
        self.report(stored, registry, &seller, round).await?;
        let is_taken = |lot: &str| self.plan.lot(lot).is_some_and(fates::is_taken);
        trade.give_up(stored, |sale| self.fate(sale), is_taken).await?;
        let chats = Chats { client, registry, seller: &seller, seller_org: round.seller, at_once: AT_ONCE };
        chats.write(stored, self.plan).await?;
        trade.finish(stored, "accepting what was won", fate).await?;

        let keeper = registry.shop_keeper(self.config, stored, &admin, &people).await?;
        let shop = Shop { client, plan: self.plan, registry, keeper: &keeper.token, at_once: AT_ONCE };
        let offered = shop.open(&stored.stocked(keeper.org).await?, self.orders).await?;
        let there = stored.sales(keeper.org).await?.len();
        shop.sell(&offered, there, self.orders).await?;
        let trade = Trade { seller: &keeper.token, seller_org: keeper.org, is_tracked: false, ..trade };
        trade.finish(stored, "sending and accepting what the shop sold", |place, _| fates::of_shop(place)).await?;
        Ok(keeper.org)
    }

    /// What becomes of a lot.
    fn fate(&self, sale: &Sale) -> Fate {
        match self.plan.lot(&sale.sku) {
            Some(place) if !sale.second_chance => fates::of_lot(self.plan, place),
            _ => Fate::Accepted,
        }
    }

    async fn is_reported(&self, stored: &mut Stored, round: &Round) -> anyhow::Result<bool> {
        let report = stored.report(round.seller).await?;
        Ok(report.is_some_and(|report| report.status != "failed" && report.row_count.is_some()))
    }

    /// Reports what was sold, unless that has been done.
    async fn report(
        &self,
        stored: &mut Stored,
        registry: &Registry<'_>,
        seller: &Token,
        round: &Round,
    ) -> anyhow::Result<()> {
        if self.is_reported(stored, round).await? {
            return Ok(());
        }
        let lots = stored.lots(round.seller).await?;
        let report = stored.report(round.seller).await?.filter(|report| report.status != "failed");
        let sales = Sales { client: registry.client, seller };
        let step = Step::begin("reporting the sales", 0);
        let id = match report {
            Some(report) => report.id,
            None => sales.request_report(first_day(&lots)?, stored.now().await?.date_naive()).await?,
        };
        sales.await_report(id).await?;
        step.end();
        Ok(())
    }
}
