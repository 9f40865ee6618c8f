//! The servers of the providers, as the suite uses them.

use market::payments::ProviderRef;
use shared::money::Currency;
use sinks::mollie::{self, Mollie, Onboarding};
use sinks::payments::Fault;
use sinks::simulator::{self, Simulator};
use sinks::stripe::{self, Stripe};

use super::localstripe::Localstripe;

/// A provider's server that can be made to misbehave.
pub(super) trait Server: std::fmt::Debug + Send + Sync {
    fn inject(&self, fault: Fault);
    /// The provider's own checks of the seller end well. Returns whether there is such an account.
    fn activate(&self, account: &str) -> bool;
    /// How many payments the provider has made.
    fn payments(&self) -> usize;
    /// How many refunds, transfers and payouts the provider has made.
    fn disbursements(&self) -> usize;
    /// A way to pay that pays.
    fn paying(&self) -> &'static str;
    /// A way to pay that its bank declines.
    fn declined(&self) -> &'static str;
    /// A way to pay whose bank first asks the buyer.
    fn challenged(&self) -> &'static str;
    /// The kind of the webhook that says that money is held.
    fn held(&self) -> &'static str;

    /// The seller's account that is connected with us, if the provider opens none for us.
    fn connected(&self) -> Option<ProviderRef> {
        None
    }
    /// Whether payments in this currency are taken.
    fn takes(&self, _: Currency) -> bool {
        true
    }
    /// How many webhooks tell that money was held and then captured in two parts.
    fn webhooks_of_two_captures(&self) -> usize {
        3
    }
    /// Whether a webhook tells that an account has changed.
    fn tells_of_accounts(&self) -> bool {
        true
    }
    /// Whether a signature covers its time.
    fn signs_its_time(&self) -> bool {
        true
    }
}

impl Server for Simulator {
    fn inject(&self, fault: Fault) {
        Self::inject(self, fault);
    }

    fn activate(&self, account: &str) -> bool {
        self.set_account(account, simulator::AccountState::Active)
    }

    fn payments(&self) -> usize {
        Self::payments(self)
    }

    fn disbursements(&self) -> usize {
        Self::disbursements(self)
    }

    fn paying(&self) -> &'static str {
        "card"
    }

    fn declined(&self) -> &'static str {
        simulator::DECLINED
    }

    fn challenged(&self) -> &'static str {
        simulator::CHALLENGED
    }

    fn held(&self) -> &'static str {
        "payment.authorised"
    }
}

/// localstripe with the supplement in front of it.
#[derive(Debug)]
pub(super) struct SupplementedStripe {
    pub(super) front: Stripe,
    pub(super) _localstripe: Localstripe,
}

impl Server for SupplementedStripe {
    fn inject(&self, fault: Fault) {
        self.front.inject(fault);
    }

    fn activate(&self, account: &str) -> bool {
        self.front.activate(account)
    }

    fn payments(&self) -> usize {
        self.front.payments()
    }

    fn disbursements(&self) -> usize {
        self.front.disbursements()
    }

    fn paying(&self) -> &'static str {
        stripe::PAYING
    }

    fn declined(&self) -> &'static str {
        stripe::DECLINED
    }

    fn challenged(&self) -> &'static str {
        stripe::CHALLENGED
    }

    fn held(&self) -> &'static str {
        "payment_intent.amount_capturable_updated"
    }
}

impl Server for Mollie {
    fn inject(&self, fault: Fault) {
        Self::inject(self, fault);
    }

    fn activate(&self, account: &str) -> bool {
        self.set_account(account, Onboarding::Completed)
    }

    fn payments(&self) -> usize {
        Self::payments(self)
    }

    fn disbursements(&self) -> usize {
        Self::disbursements(self)
    }

    fn paying(&self) -> &'static str {
        mollie::PAYING
    }

    fn declined(&self) -> &'static str {
        mollie::DECLINED
    }

    fn challenged(&self) -> &'static str {
        mollie::CHALLENGED
    }

    fn held(&self) -> &'static str {
        "payment.authorized"
    }

    fn connected(&self) -> Option<ProviderRef> {
        Some(ProviderRef(self.connect()))
    }

    fn takes(&self, currency: Currency) -> bool {
        currency.exponent() < 3
    }

    /// A payment of which a part is captured stays authorised.
    fn webhooks_of_two_captures(&self) -> usize {
        2
    }

    fn tells_of_accounts(&self) -> bool {
        false
    }

    fn signs_its_time(&self) -> bool {
        false
    }
}
