//! The gateway to the payment simulator (`sinks`).

use std::time::Duration;

use async_trait::async_trait;
use market::payments::{
    Account, AccountState, CaptureMode, Charge, Disbursement, DisbursementState, Found, Payment, PaymentPage,
    PaymentState, Provider, ProviderRef,
};
use reqwest::{Client, RequestBuilder, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::money::{Currency, Money};
use url::Url;

use super::exponents::{from_provider, to_provider};
use super::{AmountError, Gateway, GatewayError, PATIENCE};

/// How long a busy provider is left alone when it does not say for how long.
const PAUSE: Duration = Duration::from_secs(5);

/// A client of one simulator.
#[derive(Clone, Debug)]
pub struct SimulatorGateway {
    http: Client,
    base: Url,
    key: SecretString,
}

impl SimulatorGateway {
    /// Speaks to the simulator at `base`; connects when it is first used.
    ///
    /// # Errors
    /// If the HTTP client cannot be made.
    pub fn new(base: Url, key: SecretString) -> reqwest::Result<Self> {
        Self::with_patience(base, key, PATIENCE)
    }

    /// As [`Self::new`], and waits `patience` for each answer.
    ///
    /// # Errors
    /// If the HTTP client cannot be made.
    pub fn with_patience(base: Url, key: SecretString, patience: Duration) -> reqwest::Result<Self> {
        let redirects = reqwest::redirect::Policy::none();
        let http = Client::builder().timeout(patience).redirect(redirects).build()?;
        Ok(Self { http, base, key })
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        // A base that cannot have a path is refused by the client when the request is sent.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        url
    }

    async fn act(&self, key: &str, path: &[&str], body: &Value) -> Result<Found, GatewayError> {
        let request = self.http.post(self.url(path)).header("idempotency-key", key).json(body);
        let answer: Object = self.send(request).await?.ok_or_else(|| refused("not_found"))?;
        answer.read()
    }

    async fn read(&self, path: &[&str]) -> Result<Option<Found>, GatewayError> {
        let answer: Option<Object> = self.send(self.http.get(self.url(path))).await?;
        answer.map(Object::read).transpose()
    }

    /// The answer, or `None` if there is nothing of that name.
    async fn send<T: serde::de::DeserializeOwned>(&self, request: RequestBuilder) -> Result<Option<T>, GatewayError> {
        let sent = request.bearer_auth(self.key.expose_secret()).send().await;
        let answer = sent.map_err(|error| unknown(&error.without_url()))?;
        let status = answer.status();
        let after = answer.headers().get(header::RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
        let body = answer.bytes().await.map_err(|error| unknown(&error.without_url()))?;
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::TOO_MANY_REQUESTS => {
                Err(GatewayError::Busy { after: after.map_or(PAUSE, Duration::from_secs) })
            }
            status if status.is_success() => serde_json::from_slice(&body).map(Some).map_err(|error| unknown(&error)),
            status if status.is_client_error() => {
                let problem: Problem = serde_json::from_slice(&body).map_err(|error| unknown(&error))?;
                Err(match status {
                    StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => GatewayError::Denied { code: problem.code },
                    _ => GatewayError::Refused { code: problem.code },
                })
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

    async fn open_account(&self, key: &str, reference: &str) -> Result<Account, GatewayError> {
        account(self.act(key, &["accounts"], &json!({ "reference": reference })).await?)
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

    async fn find(&self, key: &str) -> Result<Option<Found>, GatewayError> {
        self.read(&["keys", key]).await
    }

    async fn list(&self, after: Option<&ProviderRef>, limit: u32) -> Result<PaymentPage, GatewayError> {
        let mut url = self.url(&["payments"]);
        url.query_pairs_mut().append_pair("limit", &limit.to_string());
        if let Some(after) = after {
            url.query_pairs_mut().append_pair("after", &after.0);
        }
        let page: Option<PageAnswer> = self.send(self.http.get(url)).await?;
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

fn refused(code: &str) -> GatewayError {
    GatewayError::Refused { code: code.to_owned() }
}

fn unknown(error: &dyn std::error::Error) -> GatewayError {
    GatewayError::Unknown { what: error.to_string() }
}
