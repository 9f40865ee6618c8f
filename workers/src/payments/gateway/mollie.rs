//! The gateway to Mollie: payments by stored cards and card tokens, refunds, transfers to connected organisations.
//!
//! | What is relied on | Page of docs.mollie.com |
//! |---|---|
//! | `captureMode`; a recurring payment is made at once; any other one has a `redirectUrl` and may wait for its buyer | reference/create-payment, reference/api-idempotency |
//! | captures of parts; the payment stays `authorized` until the last one; `release-authorization` lets go of the rest | docs/place-a-hold-for-a-payment, reference/create-capture, reference/release-authorization |
//! | an open payment can be cancelled if `isCancelable` says so | reference/cancel-payment |
//! | `metadata` comes back with payments, captures, refunds and transfers | reference/get-payment, reference/create-connect-balance-transfer |
//! | lists are newest first, and `from` names the first item of a page | reference/list-payments |
//! | two requests with one `Idempotency-Key` are one; lists tell what a lost one did | reference/api-idempotency |
//! | a refund twice in short succession is a conflict | reference/create-refund |
//! | a transfer is `created`, and `succeeded` or `failed` later | reference/create-connect-balance-transfer |
//! | onboarding and capabilities of a client | reference/get-client, reference/list-capabilities |
//! | errors have a status, a title and perhaps a field; 429 says no time | reference/handling-errors |
//!
//! - What our key was used with is compared with the answer: how Mollie answers a key that comes with other words is not documented.
//! - Mollie cannot be asked for a key, so each object has it in its metadata, and [`Gateway::find`] reads lists.
//! - A refund is known only at its payment, so its name here is `payment/refund`.
//! - Payments are asked about with an API key, which also says whether it is the test mode; the rest with an organisation's token.
//! - Sellers connect their own organisations, and are paid out by Mollie itself in a rhythm of their own.
//!
//! How to get this wrong: send minor units; follow the address of a next page, with our key, instead of its `from`; take an
//! organisation for a seller's because its e-mail address or its number is theirs.

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use market::payments::{
    Account, Call, CaptureMode, Charge, Disbursement, Found, NewAccount, Payment, PaymentPage, PaymentState, Provider,
    ProviderRef,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use shared::money::Money;
use url::Url;

use super::exponents::{AmountError, to_provider};
use super::{ClientError, Gateway, GatewayError, PATIENCE, refused};
use crate::http::Http;
use answers::{CaptureAnswer, ClientAnswer, Marked, OrganisationAnswer, PaymentAnswer, RefundAnswer, TransferAnswer};
use requests::{Whose, key_reused};

mod answers;
mod requests;

/// The metadata that holds our key.
const KEY: &str = "tradeyard_key";
/// How many pages of a list are searched: 10,000 payments.
const SEARCHED: usize = 40;

/// Where Mollie finds us.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// Where a buyer comes back to.
    pub back: Url,
    /// Where classic webhooks go; `None`: Mollie cannot reach it.
    pub webhooks: Option<Url>,
}

/// A client of Mollie's API for one profile and its organisation.
#[derive(Clone, Debug)]
pub struct MollieGateway {
    http: Http,
    base: Url,
    key: SecretString,
    /// `None`: nothing goes to sellers.
    token: Option<SecretString>,
    addresses: Addresses,
}

impl MollieGateway {
    /// Speaks to Mollie at `base`, usually `https://api.mollie.com`; connects when it is first used. `keys` is an API key and
    /// perhaps, with a comma between them, the token of its organisation.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn new(base: Url, keys: &SecretString, addresses: Addresses) -> Result<Self, ClientError> {
        Self::with_patience(base, keys, addresses, PATIENCE)
    }

    /// As [`Self::new`], and waits `patience` for each answer.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn with_patience(
        base: Url,
        keys: &SecretString,
        addresses: Addresses,
        patience: Duration,
    ) -> Result<Self, ClientError> {
        let keys = keys.expose_secret();
        let (key, token) = keys.split_once(',').map_or((keys, None), |(key, token)| (key, Some(token.trim().into())));
        Ok(Self { http: Http::new(&base, patience)?, base, key: key.trim().into(), token, addresses })
    }

    /// A payment that an act was about a moment ago.
    async fn acted_on(&self, of: &ProviderRef) -> Result<Payment, GatewayError> {
        self.payment(of).await?.ok_or_else(|| GatewayError::Unknown { what: "the payment is not there".to_owned() })
    }
}

#[async_trait]
impl Gateway for MollieGateway {
    fn provider(&self) -> Provider {
        Provider::Mollie
    }

    async fn charge(&self, key: &str, charge: &Charge) -> Result<Payment, GatewayError> {
        let mut body = json!({
            "amount": amount(charge.amount)?,
            "description": charge.reference,
            "captureMode": match charge.capture {
                CaptureMode::Automatic => "automatic",
                CaptureMode::Manual => "manual",
            },
            "metadata": { KEY: key },
        });
        if let Some((customer, mandate)) = charge.method.split_once('/') {
            body["sequenceType"] = "recurring".into();
            body["customerId"] = customer.into();
            body["mandateId"] = mandate.into();
        } else {
            body["method"] = "creditcard".into();
            body["cardToken"] = charge.method.as_str().into();
            body["redirectUrl"] = self.addresses.back.as_str().into();
        }
        if let Some(webhooks) = &self.addresses.webhooks {
            body["webhookUrl"] = webhooks.as_str().into();
        }
        let made: PaymentAnswer = self.act(key, Whose::Profile, &["payments"], &body, "payment").await?;
        same(&made, key, charge.amount)?;
        made.read()
    }

    async fn capture(&self, key: &str, of: &ProviderRef, part: Money) -> Result<Payment, GatewayError> {
        let body = json!({ "amount": amount(part)?, "metadata": { KEY: key } });
        let path = ["payments", &of.0, "captures"];
        let made: CaptureAnswer = self.act(key, Whose::Profile, &path, &body, "capture").await?;
        same(&made, key, part)?;
        self.acted_on(of).await
    }

    async fn cancel(&self, key: &str, of: &ProviderRef) -> Result<Payment, GatewayError> {
        let before: Option<PaymentAnswer> = self.read(Whose::Profile, &["payments", &of.0], &[]).await?;
        let before = before.ok_or_else(|| refused("not_found"))?;
        let is_cancelable = before.is_cancelable;
        let before = before.read()?;
        match before.state {
            PaymentState::Captured => return Err(refused("captured")),
            PaymentState::Pending if is_cancelable => {
                return self.delete::<PaymentAnswer>(key, &["payments", &of.0], "payment").await?.read();
            }
            PaymentState::Pending => return Err(refused("not_cancelable")),
            PaymentState::Cancelled => return Ok(before),
            PaymentState::Authorised | PaymentState::Failed => {}
        }
        let path = ["payments", &of.0, "release-authorization"];
        // It has no body, so that nothing is of the kind "".
        let () = self.act(key, Whose::Profile, &path, &json!({}), "").await?;
        self.acted_on(of).await
    }

    async fn refund(&self, key: &str, of: &ProviderRef, part: Money) -> Result<Disbursement, GatewayError> {
        let body = json!({ "amount": amount(part)?, "metadata": { KEY: key } });
        let path = ["payments", &of.0, "refunds"];
        let made: RefundAnswer = self.act(key, Whose::Profile, &path, &body, "refund").await?;
        same(&made, key, part)?;
        Ok(made.read())
    }

    async fn transfer(&self, key: &str, to: &ProviderRef, amount: Money) -> Result<Disbursement, GatewayError> {
        let sum = self::amount(amount)?;
        let us: Option<OrganisationAnswer> = self.read(Whose::Organisation, &["organizations", "me"], &[]).await?;
        let us = us.ok_or_else(|| refused("no_organisation"))?;
        let party = |id: &str| json!({ "type": "organization", "id": id, "description": key });
        let mut body = json!({
            "amount": sum,
            "description": key,
            "category": "purchase",
            "source": party(&us.id),
            "destination": party(&to.0),
            "metadata": { KEY: key },
        });
        if self.is_test() {
            body["testmode"] = true.into();
        }
        let path = ["connect", "balance-transfers"];
        let made: TransferAnswer = self.act(key, Whose::Organisation, &path, &body, "connect-balance-transfer").await?;
        same(&made, key, amount)?;
        Ok(made.read())
    }

    /// Mollie has no request for it that the platform may make (see [`Provider::pays_out_on_request`]).
    async fn payout(&self, _: &str, _: &ProviderRef, _: Money) -> Result<Disbursement, GatewayError> {
        Err(refused("pays_out_by_itself"))
    }

    /// Opens nothing: the seller has an organisation at Mollie, and has connected it with ours.
    async fn open_account(&self, _: &str, new: &NewAccount) -> Result<Account, GatewayError> {
        let own = new.own.as_ref().ok_or_else(|| refused("account_missing"))?;
        self.account(own).await?.ok_or_else(|| refused("account_not_connected"))
    }

    async fn payment(&self, of: &ProviderRef) -> Result<Option<Payment>, GatewayError> {
        let payment: Option<PaymentAnswer> = self.read(Whose::Profile, &["payments", &of.0], &[]).await?;
        payment.map(PaymentAnswer::read).transpose()
    }

    async fn disbursement(&self, of: &ProviderRef) -> Result<Option<Disbursement>, GatewayError> {
        let name = of.0.as_str();
        if let Some((payment, refund)) = name.split_once('/') {
            if !payment.starts_with("tr_") {
                return Ok(None);
            }
            let path = ["payments", payment, "refunds", refund];
            let refund: Option<RefundAnswer> = self.read(Whose::Profile, &path, &[]).await?;
            Ok(refund.map(RefundAnswer::read))
        } else {
            let path = ["connect", "balance-transfers", name];
            let mode = self.mode(Whose::Organisation);
            let transfer: Option<TransferAnswer> = self.read(Whose::Organisation, &path, mode.as_slice()).await?;
            Ok(transfer.map(TransferAnswer::read))
        }
    }

    async fn account(&self, of: &ProviderRef) -> Result<Option<Account>, GatewayError> {
        let query = [("embed", "onboarding,capabilities")];
        let client: Option<ClientAnswer> = self.read(Whose::Organisation, &["clients", &of.0], &query).await?;
        Ok(client.map(ClientAnswer::read))
    }

    async fn find(&self, key: &str, call: &Call) -> Result<Option<Found>, GatewayError> {
        Ok(match call {
            Call::Charge => {
                let payment: Option<PaymentAnswer> = self.made_with(key, Whose::Profile, &["payments"]).await?;
                payment.map(PaymentAnswer::read).transpose()?.map(Found::Payment)
            }
            Call::Capture(of) => {
                let path = ["payments", &of.0, "captures"];
                match self.made_with::<CaptureAnswer>(key, Whose::Profile, &path).await? {
                    Some(_) => self.payment(of).await?.map(Found::Payment),
                    None => None,
                }
            }
            // Only we cancel, and a payment is cancelled once.
            Call::Cancel(of) => {
                let payment = self.payment(of).await?;
                payment.filter(|payment| payment.state == PaymentState::Cancelled).map(Found::Payment)
            }
            Call::Refund(of) => {
                let path = ["payments", &of.0, "refunds"];
                let refund: Option<RefundAnswer> = self.made_with(key, Whose::Profile, &path).await?;
                refund.map(|refund| Found::Disbursement(refund.read()))
            }
            Call::Transfer(_) => {
                let path = ["connect", "balance-transfers"];
                let transfer: Option<TransferAnswer> = self.made_with(key, Whose::Organisation, &path).await?;
                transfer.map(|transfer| Found::Disbursement(transfer.read()))
            }
            // Nothing is made by either.
            Call::Payout(_) | Call::OpenAccount => None,
        })
    }

    async fn list(
        &self,
        period: &Range<DateTime<Utc>>,
        after: Option<&ProviderRef>,
        limit: u32,
    ) -> Result<PaymentPage, GatewayError> {
        let limit = usize::try_from(limit.clamp(1, 100)).unwrap_or(100);
        let mut payments = Vec::new();
        // Mollie knows no periods: what is newer is passed over.
        let mut from = after.map(|after| after.0.clone());
        for _ in 0..SEARCHED {
            let page = self.page::<PaymentAnswer>(Whose::Profile, &["payments"], from.as_deref()).await?;
            let page = page.ok_or_else(|| refused("not_found"))?;
            from = page.next();
            for payment in page.items() {
                if after.is_some_and(|after| after.0 == payment.id) || payment.created_at >= period.end {
                    continue;
                }
                if payment.created_at < period.start {
                    return Ok(PaymentPage { payments, more: false });
                }
                if payments.len() == limit {
                    return Ok(PaymentPage { payments, more: true });
                }
                payments.push(payment.read()?);
            }
            if from.is_none() {
                return Ok(PaymentPage { payments, more: false });
            }
        }
        Err(GatewayError::Unknown { what: format!("the period is not within the newest {SEARCHED} pages") })
    }
}

/// An amount as Mollie writes it: the decimals of its currency, no more and no fewer.
fn amount(amount: Money) -> Result<Value, AmountError> {
    to_provider(Provider::Mollie, amount)?;
    Ok(json!({ "currency": amount.currency(), "value": amount.amount() }))
}

/// Refuses an answer to another request with the same key.
fn same(made: &impl Marked, key: &str, amount: Money) -> Result<(), GatewayError> {
    if made.key() == Some(key) && made.amount() == amount { Ok(()) } else { Err(key_reused()) }
}
