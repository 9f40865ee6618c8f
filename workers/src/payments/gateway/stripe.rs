//! The gateway to Stripe: payment intents, refunds, transfers to Connect accounts, payouts out of them.
//!
//! - Every object carries our key in its metadata, and a charge and a transfer also as their transfer
//!   group, because Stripe cannot be asked for an idempotency key, and forgets it after a day or more.
//!   [`Gateway::find`] reads lists, which are up to date at once; Stripe's search is not.
//! - A payout is known only at its account, so its name here is `account/payout`.
//! - Captures of parts need multicapture, which Stripe enables for an account; without it the first capture
//!   is refused. Charges that are captured at once need nothing.
//! - A capture and a refund name no currency to Stripe, so the payment's is read and compared first.
//!
//! How to get this wrong: read what may change into a request (the same key with other words is refused);
//! take 402 for a refusal (it is a declined payment); ask for a payout without its account.

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use http_body_util::Full;
use hyper::http::request::Builder;
use hyper::{Request, StatusCode, header};
use market::payments::{
    Account, Call, CaptureMode, Charge, Disbursement, Found, NewAccount, Payment, PaymentPage, Provider, ProviderRef,
};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use shared::money::Money;
use url::{Url, form_urlencoded};

use super::exponents::to_provider;
use super::{ClientError, Gateway, GatewayError, PATIENCE, refusal, refused, unknown};
use crate::http::{Http, bearer, url};
use answers::{
    AccountAnswer, ChargeAnswer, Failure, IntentAnswer, Marked, Page, PayoutAnswer, Problem, RefundAnswer,
    TransferAnswer,
};

mod answers;

/// The version whose shapes are read here; an account's own default may be another.
const VERSION: &str = "2024-06-20";
/// The metadata that holds our key.
const KEY: &str = "tradeyard_key";
/// How many objects one request lists, at most.
const LISTED: &str = "100";
/// How many pages of a list are searched for a key.
const SEARCHED: usize = 10;
/// When a request is made again whose key is in use by another one.
const IN_USE: Duration = Duration::from_secs(1);

type Form<'a> = Vec<(&'a str, String)>;
type Query<'a> = &'a [(&'a str, &'a str)];

/// A client of Stripe's API for one account, the platform's.
#[derive(Clone, Debug)]
pub struct StripeGateway {
    http: Http,
    base: Url,
    key: SecretString,
    back: Url,
}

impl StripeGateway {
    /// Speaks to Stripe at `base`, usually `https://api.stripe.com`, from which buyers come `back`; connects when it is
    /// first used.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn new(base: Url, key: SecretString, back: Url) -> Result<Self, ClientError> {
        Self::with_patience(base, key, back, PATIENCE)
    }

    /// As [`Self::new`], and waits `patience` for each answer.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn with_patience(base: Url, key: SecretString, back: Url, patience: Duration) -> Result<Self, ClientError> {
        Ok(Self { http: Http::new(&base, patience)?, base, key, back })
    }

    fn url(&self, path: &[&str]) -> Url {
        url(&self.base, &[&["v1"], path].concat())
    }

    /// The answer, or what Stripe says against it.
    async fn send<T: DeserializeOwned>(
        &self,
        request: Builder,
        account: Option<&str>,
        body: String,
    ) -> Result<Result<T, (StatusCode, Problem)>, GatewayError> {
        let mut request = request.header("stripe-version", VERSION).header(header::AUTHORIZATION, bearer(&self.key)?);
        if let Some(account) = account {
            request = request.header("stripe-account", account);
        }
        let answer = self.http.send(request.body(Full::from(body))).await?;
        let status = answer.status;
        if status.is_success() {
            return serde_json::from_slice(&answer.body).map(Ok).map_err(|error| unknown(&error));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Err(GatewayError::Busy { after: answer.after });
        }
        if !status.is_client_error() {
            return Err(GatewayError::Unknown { what: format!("the provider answered {}", status.as_u16()) });
        }
        let failure: Failure = serde_json::from_slice(&answer.body).map_err(|error| unknown(&error))?;
        if failure.error.code() == "idempotency_key_in_use" {
            return Err(GatewayError::Busy { after: IN_USE });
        }
        Ok(Err((status, failure.error)))
    }

    async fn post<T: DeserializeOwned>(
        &self,
        key: &str,
        path: &[&str],
        account: Option<&str>,
        form: Form<'_>,
    ) -> Result<Result<T, (StatusCode, Problem)>, GatewayError> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::post(self.url(path).as_str()).header("idempotency-key", key);
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, account, body).await
    }

    async fn act<T: DeserializeOwned>(
        &self,
        key: &str,
        path: &[&str],
        account: Option<&str>,
        form: Form<'_>,
    ) -> Result<T, GatewayError> {
        self.post(key, path, account, form).await?.map_err(|(status, problem)| refusal(status, problem.code()))
    }

    /// The answer, or `None` if there is nothing of that name.
    async fn read<T: DeserializeOwned>(
        &self,
        path: &[&str],
        account: Option<&str>,
        query: Query<'_>,
    ) -> Result<Option<T>, GatewayError> {
        let mut url = self.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        match self.send(Request::get(url.as_str()), account, String::new()).await? {
            Ok(answer) => Ok(Some(answer)),
            Err((StatusCode::NOT_FOUND, _)) => Ok(None),
            // Of a list: what it is of does not exist.
            Err((_, problem)) if problem.code() == "resource_missing" => Ok(None),
            // What Stripe says of an account that there is not, because it might be another platform's.
            Err((StatusCode::FORBIDDEN, problem)) if problem.code() == "account_invalid" => Ok(None),
            Err((status, problem)) => Err(refusal(status, problem.code())),
        }
    }

    async fn intent(&self, of: &str) -> Result<Option<IntentAnswer>, GatewayError> {
        self.read(&["payment_intents", of], None, &[("expand[]", "latest_charge")]).await
    }

    /// The first object of a list that was made with `key`.
    async fn made_with<T: DeserializeOwned + Marked>(
        &self,
        key: &str,
        path: &[&str],
        account: Option<&str>,
        query: Query<'_>,
    ) -> Result<Option<T>, GatewayError> {
        let mut after: Option<String> = None;
        for _ in 0..SEARCHED {
            let mut query = [query, &[("limit", LISTED)]].concat();
            query.extend(after.as_deref().map(|after| ("starting_after", after)));
            let Some(page) = self.read::<Page<T>>(path, account, &query).await? else { return Ok(None) };
            let last = page.data.last().map(|last| last.name().to_owned());
            if let Some(made) = page.data.into_iter().find(|made| made.mark(KEY) == Some(key)) {
                return Ok(Some(made));
            }
            if !page.has_more || last.is_none() {
                return Ok(None);
            }
            after = last;
        }
        Err(GatewayError::Unknown { what: format!("the key is not among the newest {SEARCHED} pages of {path:?}") })
    }

    /// Refuses a part in another currency than the payment's.
    async fn same_currency(&self, of: &ProviderRef, part: Money) -> Result<(), GatewayError> {
        let payment = self.payment(of).await?.ok_or_else(|| refused("resource_missing"))?;
        if payment.amount.currency() == part.currency() { Ok(()) } else { Err(refused("currency_differs")) }
    }
}

#[async_trait]
impl Gateway for StripeGateway {
    fn provider(&self) -> Provider {
        Provider::Stripe
    }

    async fn charge(&self, key: &str, charge: &Charge) -> Result<Payment, GatewayError> {
        let mut form = amount(charge.amount)?;
        let capture = match charge.capture {
            CaptureMode::Automatic => "automatic",
            CaptureMode::Manual => {
                form.push(("payment_method_options[card][request_multicapture]", "if_available".to_owned()));
                "manual"
            }
        };
        form.extend([
            ("capture_method", capture.to_owned()),
            ("payment_method", charge.method.clone()),
            ("payment_method_types[]", "card".to_owned()),
            ("confirm", "true".to_owned()),
            ("description", charge.reference.clone()),
            ("transfer_group", key.to_owned()),
            ("metadata[tradeyard_key]", key.to_owned()),
            ("expand[]", "latest_charge".to_owned()),
            // With it, a bank that asks the buyer does so at a page; without it, only within Stripe's own script.
            ("return_url", self.back.to_string()),
        ]);
        match self.post::<IntentAnswer>(key, &["payment_intents"], None, form).await? {
            Ok(intent) => intent.read(),
            Err((StatusCode::PAYMENT_REQUIRED, Problem { payment_intent: Some(intent), .. })) => {
                serde_json::from_value::<IntentAnswer>(intent).map_err(|error| unknown(&error))?.read()
            }
            Err((status, problem)) => Err(refusal(status, problem.code())),
        }
    }

    async fn capture(&self, key: &str, of: &ProviderRef, part: Money) -> Result<Payment, GatewayError> {
        self.same_currency(of, part).await?;
        let mark = format!("metadata[{}]", capture_mark(key));
        let form = vec![
            ("amount_to_capture", to_provider(Provider::Stripe, part)?.to_string()),
            ("final_capture", "false".to_owned()),
            (mark.as_str(), key.to_owned()),
            ("expand[]", "latest_charge".to_owned()),
        ];
        self.act::<IntentAnswer>(key, &["payment_intents", &of.0, "capture"], None, form).await?.read()
    }

    async fn cancel(&self, key: &str, of: &ProviderRef) -> Result<Payment, GatewayError> {
        let form = vec![("expand[]", "latest_charge".to_owned())];
        self.act::<IntentAnswer>(key, &["payment_intents", &of.0, "cancel"], None, form).await?.read()
    }

    async fn refund(&self, key: &str, of: &ProviderRef, part: Money) -> Result<Disbursement, GatewayError> {
        self.same_currency(of, part).await?;
        let form = vec![
            ("payment_intent", of.0.clone()),
            ("amount", to_provider(Provider::Stripe, part)?.to_string()),
            ("metadata[tradeyard_key]", key.to_owned()),
        ];
        self.act::<RefundAnswer>(key, &["refunds"], None, form).await?.read()
    }

    async fn transfer(&self, key: &str, to: &ProviderRef, amount: Money) -> Result<Disbursement, GatewayError> {
        let mut form = self::amount(amount)?;
        form.extend([
            ("destination", to.0.clone()),
            ("transfer_group", key.to_owned()),
            ("metadata[tradeyard_key]", key.to_owned()),
        ]);
        self.act::<TransferAnswer>(key, &["transfers"], None, form).await?.read()
    }

    async fn payout(&self, key: &str, from: &ProviderRef, amount: Money) -> Result<Disbursement, GatewayError> {
        let mut form = self::amount(amount)?;
        form.push(("metadata[tradeyard_key]", key.to_owned()));
        self.act::<PayoutAnswer>(key, &["payouts"], Some(&from.0), form).await?.read(&from.0)
    }

    async fn open_account(&self, key: &str, new: &NewAccount) -> Result<Account, GatewayError> {
        // Stripe asks the seller who they are; fees, losses and the moment of each payout are ours.
        let form = [
            ("controller[stripe_dashboard][type]", "express"),
            ("controller[fees][payer]", "application"),
            ("controller[losses][payments]", "application"),
            ("capabilities[transfers][requested]", "true"),
            ("settings[payouts][schedule][interval]", "manual"),
            ("metadata[reference]", &new.reference),
            ("metadata[tradeyard_key]", key),
        ];
        let form = form.map(|(name, value)| (name, value.to_owned())).into();
        Ok(self.act::<AccountAnswer>(key, &["accounts"], None, form).await?.read())
    }

    async fn payment(&self, of: &ProviderRef) -> Result<Option<Payment>, GatewayError> {
        self.intent(&of.0).await?.map(IntentAnswer::read).transpose()
    }

    async fn disbursement(&self, of: &ProviderRef) -> Result<Option<Disbursement>, GatewayError> {
        let name = of.0.as_str();
        if let Some((account, payout)) = name.split_once('/') {
            if !account.starts_with("acct_") {
                return Ok(None);
            }
            let payout: Option<PayoutAnswer> = self.read(&["payouts", payout], Some(account), &[]).await?;
            payout.map(|payout| payout.read(account)).transpose()
        } else if name.starts_with("tr_") {
            let transfer: Option<TransferAnswer> = self.read(&["transfers", name], None, &[]).await?;
            transfer.map(TransferAnswer::read).transpose()
        } else {
            let refund: Option<RefundAnswer> = self.read(&["refunds", name], None, &[]).await?;
            refund.map(RefundAnswer::read).transpose()
        }
    }

    async fn account(&self, of: &ProviderRef) -> Result<Option<Account>, GatewayError> {
        let account: Option<AccountAnswer> = self.read(&["accounts", &of.0], None, &[]).await?;
        Ok(account.map(AccountAnswer::read))
    }

    async fn find(&self, key: &str, call: &Call) -> Result<Option<Found>, GatewayError> {
        Ok(match call {
            Call::Charge => {
                let charges: Option<Page<ChargeAnswer>> =
                    self.read(&["charges"], None, &[("transfer_group", key), ("limit", "1")]).await?;
                let intent = charges.and_then(|page| page.data.into_iter().next()?.payment_intent);
                let Some(intent) = intent else { return Ok(None) };
                self.payment(&ProviderRef(intent)).await?.map(Found::Payment)
            }
            Call::Capture(of) => {
                let intent = self.intent(&of.0).await?;
                let intent = intent.filter(|intent| intent.mark(&capture_mark(key)) == Some(key));
                intent.map(IntentAnswer::read).transpose()?.map(Found::Payment)
            }
            // Only we cancel, and a payment is cancelled once.
            Call::Cancel(of) => {
                let intent = self.intent(&of.0).await?.filter(IntentAnswer::is_cancelled);
                intent.map(IntentAnswer::read).transpose()?.map(Found::Payment)
            }
            Call::Refund(of) => {
                let refund: Option<RefundAnswer> =
                    self.made_with(key, &["refunds"], None, &[("payment_intent", &of.0)]).await?;
                refund.map(RefundAnswer::read).transpose()?.map(Found::Disbursement)
            }
            Call::Transfer(_) => {
                let transfer: Option<TransferAnswer> =
                    self.made_with(key, &["transfers"], None, &[("transfer_group", key)]).await?;
                transfer.map(TransferAnswer::read).transpose()?.map(Found::Disbursement)
            }
            Call::Payout(from) => {
                let payout: Option<PayoutAnswer> = self.made_with(key, &["payouts"], Some(&from.0), &[]).await?;
                payout.map(|payout| payout.read(&from.0)).transpose()?.map(Found::Disbursement)
            }
            Call::OpenAccount => {
                let account: Option<AccountAnswer> = self.made_with(key, &["accounts"], None, &[]).await?;
                account.map(|account| Found::Account(account.read()))
            }
        })
    }

    async fn list(
        &self,
        period: &Range<DateTime<Utc>>,
        after: Option<&ProviderRef>,
        limit: u32,
    ) -> Result<PaymentPage, GatewayError> {
        let (from, until) = (period.start.timestamp().to_string(), period.end.timestamp().to_string());
        let limit = limit.clamp(1, 100).to_string();
        let mut query = vec![
            ("created[gte]", from.as_str()),
            ("created[lt]", &until),
            ("limit", &limit),
            ("expand[]", "data.latest_charge"),
        ];
        query.extend(after.map(|after| ("starting_after", after.0.as_str())));
        let page: Option<Page<IntentAnswer>> = self.read(&["payment_intents"], None, &query).await?;
        let page = page.ok_or_else(|| refused("resource_missing"))?;
        let payments = page.data.into_iter().map(IntentAnswer::read).collect::<Result<_, _>>()?;
        Ok(PaymentPage { payments, more: page.has_more })
    }
}

fn amount(amount: Money) -> Result<Form<'static>, GatewayError> {
    let minor = to_provider(Provider::Stripe, amount)?.to_string();
    Ok(vec![("amount", minor), ("currency", amount.currency().code().to_ascii_lowercase())])
}

/// The metadata of a payment that holds the key of one of its captures; Stripe takes names of 40 characters.
fn capture_mark(key: &str) -> String {
    let digest = hex::encode(Sha256::digest(key.as_bytes()));
    format!("capture_{}", &digest[..32])
}
