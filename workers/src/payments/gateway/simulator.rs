//! The gateway to the payment simulator (`sinks`).

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use http_body_util::Full;
use hyper::http::request::Builder;
use hyper::{Request, StatusCode, header};
use market::payments::{
    Account, AccountState, Call, CaptureMode, Charge, Disbursement, DisbursementState, Found, NewAccount, Payment,
    PaymentPage, PaymentState, Provider, ProviderRef,
};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::money::{Currency, Money};
use url::Url;

use super::exponents::{from_provider, to_provider};
use super::{AmountError, ClientError, Gateway, GatewayError, PATIENCE, refusal, refused, unknown};
use crate::http::{Http, bearer, url};

/// A client of one simulator.
#[derive(Clone, Debug)]
pub struct SimulatorGateway {
    http: Http,
    base: Url,
    key: SecretString,
    back: Url,
}

impl SimulatorGateway {
    /// Speaks to the simulator at `base`, from which buyers come `back`; connects when it is first used.
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

    async fn act(&self, key: &str, path: &[&str], body: &Value) -> Result<Found, GatewayError> {
        let request = Request::post(self.url(path).as_str()).header("idempotency-key", key);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let answer: Object = self.send(request, body.to_string()).await?.ok_or_else(|| refused("not_found"))?;
        answer.read()
    }

    async fn read(&self, path: &[&str]) -> Result<Option<Found>, GatewayError> {
        let answer: Option<Object> = self.send(Request::get(self.url(path).as_str()), String::new()).await?;
        answer.map(Object::read).transpose()
    }

    /// The answer, or `None` if there is nothing of that name.
    async fn send<T>(&self, request: Builder, body: String) -> Result<Option<T>, GatewayError>
    where
        T: serde::de::DeserializeOwned,
    {
        let request = request.header(header::AUTHORIZATION, bearer(&self.key)?);
        let answer = self.http.send(request.body(Full::from(body))).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::TOO_MANY_REQUESTS => Err(GatewayError::Busy { after: answer.after }),
            status if status.is_success() => {
                serde_json::from_slice(&answer.body).map(Some).map_err(|error| unknown(&error))
            }
            status if status.is_client_error() => {
                let problem: Problem = serde_json::from_slice(&answer.body).map_err(|error| unknown(&error))?;
                Err(refusal(status, problem.code))
            }
            status => Err(GatewayError::Unknown { what: format!("the provider answered {}", status.as_u16()) }),
        }
    }
}

#[async_trait]
impl Gateway for SimulatorGateway {
    fn provider(&self) -> Provider {
        Provider::Simulator
    }

    async fn charge(&self, key: &str, charge: &Charge) -> Result<Payment, GatewayError> {
        let mut body = amount(charge.amount)?;
        body["capture"] = match charge.capture {
            CaptureMode::Automatic => "automatic".into(),
            CaptureMode::Manual => "manual".into(),
        };
        body["method"] = charge.method.as_str().into();
        body["reference"] = charge.reference.as_str().into();
        body["back"] = self.back.as_str().into();
        payment(self.act(key, &["payments"], &body).await?)
    }

    async fn capture(&self, key: &str, of: &ProviderRef, part: Money) -> Result<Payment, GatewayError> {
        payment(self.act(key, &["payments", &of.0, "captures"], &amount(part)?).await?)
    }

    async fn cancel(&self, key: &str, of: &ProviderRef) -> Result<Payment, GatewayError> {
        payment(self.act(key, &["payments", &of.0, "cancels"], &json!({})).await?)
    }

    async fn refund(&self, key: &str, of: &ProviderRef, part: Money) -> Result<Disbursement, GatewayError> {
        disbursement(self.act(key, &["payments", &of.0, "refunds"], &amount(part)?).await?)
    }

    async fn transfer(&self, key: &str, to: &ProviderRef, amount: Money) -> Result<Disbursement, GatewayError> {
        disbursement(self.act(key, &["transfers"], &of_account(to, amount)?).await?)
    }

    async fn payout(&self, key: &str, from: &ProviderRef, amount: Money) -> Result<Disbursement, GatewayError> {
        disbursement(self.act(key, &["payouts"], &of_account(from, amount)?).await?)
    }

    async fn open_account(&self, key: &str, new: &NewAccount) -> Result<Account, GatewayError> {
        account(self.act(key, &["accounts"], &json!({ "reference": new.reference })).await?)
    }

    async fn payment(&self, of: &ProviderRef) -> Result<Option<Payment>, GatewayError> {
        self.read(&["payments", &of.0]).await?.map(payment).transpose()
    }

    async fn disbursement(&self, of: &ProviderRef) -> Result<Option<Disbursement>, GatewayError> {
        self.read(&["disbursements", &of.0]).await?.map(disbursement).transpose()
    }

    async fn account(&self, of: &ProviderRef) -> Result<Option<Account>, GatewayError> {
        self.read(&["accounts", &of.0]).await?.map(account).transpose()
    }

    async fn find(&self, key: &str, _: &Call) -> Result<Option<Found>, GatewayError> {
        self.read(&["keys", key]).await
    }

    async fn list(
        &self,
        period: &Range<DateTime<Utc>>,
        after: Option<&ProviderRef>,
        limit: u32,
    ) -> Result<PaymentPage, GatewayError> {
        let mut url = self.url(&["payments"]);
        url.query_pairs_mut()
            .append_pair("from", &period.start.timestamp().to_string())
            .append_pair("until", &period.end.timestamp().to_string())
            .append_pair("limit", &limit.to_string());
        if let Some(after) = after {
            url.query_pairs_mut().append_pair("after", &after.0);
        }
        let page: Option<PageAnswer> = self.send(Request::get(url.as_str()), String::new()).await?;
        let page = page.ok_or_else(|| refused("not_found"))?;
        let payments = page.payments.into_iter().map(PaymentAnswer::read).collect::<Result<_, _>>()?;
        Ok(PaymentPage { payments, more: page.more })
    }
}

#[derive(Debug, Deserialize)]
struct Problem {
    code: String,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "object", rename_all = "snake_case")]
enum Object {
    Payment { payment: PaymentAnswer },
    Disbursement { disbursement: DisbursementAnswer },
    Account { account: AccountAnswer },
}

#[derive(Debug, Deserialize)]
struct PaymentAnswer {
    id: ProviderRef,
    state: PaymentState,
    amount: i64,
    currency: Currency,
    captured: i64,
    refunded: i64,
    failure: Option<String>,
    action: Option<String>,
}

#[derive(Debug, Deserialize)]
struct DisbursementAnswer {
    id: ProviderRef,
    state: DisbursementState,
    amount: i64,
    currency: Currency,
}

#[derive(Debug, Deserialize)]
struct AccountAnswer {
    id: ProviderRef,
    state: AccountState,
    requirements: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct PageAnswer {
    payments: Vec<PaymentAnswer>,
    more: bool,
}

impl Object {
    fn read(self) -> Result<Found, GatewayError> {
        Ok(match self {
            Self::Payment { payment } => Found::Payment(payment.read()?),
            Self::Disbursement { disbursement } => Found::Disbursement(Disbursement {
                amount: money(disbursement.amount, disbursement.currency)?,
                reference: disbursement.id,
                state: disbursement.state,
            }),
            Self::Account { account } => Found::Account(Account {
                reference: account.id,
                state: account.state,
                requirements: account.requirements,
            }),
        })
    }
}

impl PaymentAnswer {
    fn read(self) -> Result<Payment, GatewayError> {
        Ok(Payment {
            amount: money(self.amount, self.currency)?,
            captured: money(self.captured, self.currency)?,
            refunded: money(self.refunded, self.currency)?,
            reference: self.id,
            state: self.state,
            failure: self.failure,
            confirm_at: self.action,
        })
    }
}

/// An amount of an answer. One that cannot be read leaves it unknown what was done.
fn money(minor: i64, currency: Currency) -> Result<Money, GatewayError> {
    from_provider(Provider::Simulator, minor, currency).map_err(|error| unknown(&error))
}

fn amount(amount: Money) -> Result<Value, AmountError> {
    Ok(json!({ "amount": to_provider(Provider::Simulator, amount)?, "currency": amount.currency() }))
}

fn of_account(account: &ProviderRef, money: Money) -> Result<Value, AmountError> {
    let mut body = amount(money)?;
    body["account"] = account.0.as_str().into();
    Ok(body)
}

fn payment(found: Found) -> Result<Payment, GatewayError> {
    if let Found::Payment(payment) = found { Ok(payment) } else { Err(another()) }
}

fn disbursement(found: Found) -> Result<Disbursement, GatewayError> {
    if let Found::Disbursement(disbursement) = found { Ok(disbursement) } else { Err(another()) }
}

fn account(found: Found) -> Result<Account, GatewayError> {
    if let Found::Account(account) = found { Ok(account) } else { Err(another()) }
}

fn another() -> GatewayError {
    GatewayError::Unknown { what: "the provider answered with another kind of thing".to_owned() }
}
