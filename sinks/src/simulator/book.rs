//! What the provider knows, and the rules by which it changes.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::payments::now;

/// The way to pay that its bank declines; every other one pays.
pub const DECLINED: &str = "declined";
/// The way to pay whose bank first asks the buyer.
pub const CHALLENGED: &str = "challenged";

#[derive(Debug, Clone, Serialize)]
pub(super) struct Payment {
    pub(super) id: String,
    pub(super) state: &'static str,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) captured: i64,
    pub(super) refunded: i64,
    pub(super) failure: Option<&'static str>,
    /// Where the buyer has to go before anything else happens.
    pub(super) action: Option<String>,
    pub(super) reference: String,
    /// Unix time.
    pub(super) created: i64,
    #[serde(skip)]
    capture: Capture,
    /// Where the buyer comes back to.
    #[serde(skip)]
    back: String,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Disbursement {
    pub(super) id: String,
    pub(super) kind: &'static str,
    /// The payment or the account.
    pub(super) of: String,
    pub(super) state: &'static str,
    pub(super) amount: i64,
    pub(super) currency: String,
}

/// Whether money can be paid out to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    Pending,
    Active,
    Restricted,
    Closed,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) state: AccountState,
    pub(super) requirements: Vec<String>,
    pub(super) reference: String,
    #[serde(skip)]
    balances: HashMap<String, i64>,
}

/// What an act made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Made {
    Payment(String),
    Disbursement(String),
    Account(String),
}

/// A refusal: its code.
pub(super) type Refusal = &'static str;

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPayment {
    amount: i64,
    currency: String,
    capture: Capture,
    method: String,
    reference: String,
    back: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Capture {
    Automatic,
    Manual,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    amount: i64,
    currency: String,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDisbursement {
    account: String,
    amount: i64,
    currency: String,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAccount {
    reference: String,
}

/// Something that happened, as its webhook says it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) subject: String,
}

/// Everything, for as long as the process lives.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) payments: BTreeMap<String, Payment>,
    pub(super) disbursements: BTreeMap<String, Disbursement>,
    pub(super) accounts: BTreeMap<String, Account>,
    /// What was asked with each key, and what it made or why not.
    pub(super) keys: HashMap<String, (String, Result<Made, Refusal>)>,
    /// What has happened and is not in the outbox yet.
    pub(super) events: Vec<Event>,
    balances: HashMap<String, i64>,
}

/// A new id; later ids sort after earlier ones.
fn id(prefix: &str) -> String {
    format!("{prefix}_{}", uuid::Uuid::now_v7().simple())
}

impl Book {
    /// Does `act` once per key. The same key with other words is refused.
    pub(super) fn once(
        &mut self,
        key: &str,
        words: String,
        act: impl FnOnce(&mut Self) -> Result<Made, Refusal>,
    ) -> Result<Made, Refusal> {
        if let Some((before, made)) = self.keys.get(key) {
            return if *before == words { made.clone() } else { Err("key_reused") };
        }
        let made = act(self);
        self.keys.insert(key.to_owned(), (words, made.clone()));
        made
    }

    /// Charges, or asks the buyer first at the page that `action` names.
    pub(super) fn charge(&mut self, new: NewPayment, action: impl FnOnce(&str) -> String) -> Result<Made, Refusal> {
        if new.amount <= 0 {
            return Err("amount_not_positive");
        }
        let id = id("pay");
        let payment = Payment {
            id: id.clone(),
            state: "pending",
            amount: new.amount,
            currency: new.currency,
            captured: 0,
            refunded: 0,
            failure: None,
            action: (new.method == CHALLENGED).then(|| action(&id)),
            reference: new.reference,
            created: now().timestamp(),
            capture: new.capture,
            back: new.back,
        };
        let waits = payment.action.is_some();
        self.payments.insert(id.clone(), payment);
        if !waits {
            self.decide(&id, (new.method != DECLINED).then_some(()).ok_or("card_declined"));
        }
        Ok(Made::Payment(id))
    }

    /// Takes the buyer's answer to their bank; returns where the buyer goes then, if something was asked.
    pub(super) fn answer(&mut self, id: &str, passed: bool) -> Option<String> {
        let payment = self.payments.get_mut(id)?;
        payment.action.take()?;
        let back = payment.back.clone();
        self.decide(id, passed.then_some(()).ok_or("authentication_failed"));
        Some(back)
    }

    /// What the bank says of a payment.
    fn decide(&mut self, id: &str, decision: Result<(), &'static str>) {
        let Some(payment) = self.payments.get_mut(id) else { return };
        payment.failure = decision.err();
        let kind = match (decision, payment.capture) {
            (Err(_), _) => {
                payment.state = "failed";
                "payment.failed"
            }
            (Ok(()), Capture::Automatic) => {
                payment.state = "captured";
                payment.captured = payment.amount;
                *self.balances.entry(payment.currency.clone()).or_default() += payment.amount;
                "payment.captured"
            }
            (Ok(()), Capture::Manual) => {
                payment.state = "authorised";
                "payment.authorised"
            }
        };
        self.happened(kind, id);
    }

    pub(super) fn capture(&mut self, id: &str, part: &Part) -> Result<Made, Refusal> {
        let payment = self.payments.get_mut(id).ok_or("no_such_payment")?;
        check(part, &payment.currency)?;
        if !matches!(payment.state, "authorised" | "captured") {
            return Err("payment_not_authorised");
        }
        if part.amount > payment.amount - payment.captured {
            return Err("amount_too_large");
        }
        payment.captured += part.amount;
        payment.state = "captured";
        *self.balances.entry(part.currency.clone()).or_default() += part.amount;
        self.happened("payment.captured", id);
        Ok(Made::Payment(id.to_owned()))
    }

    pub(super) fn cancel(&mut self, id: &str) -> Result<Made, Refusal> {
        let payment = self.payments.get_mut(id).ok_or("no_such_payment")?;
        // As at Stripe, what waits for its buyer is cancelled as well.
        let waits = payment.action.take().is_some();
        if payment.state != "authorised" && !waits {
            return Err("payment_not_authorised");
        }
        payment.state = "cancelled";
        self.happened("payment.cancelled", id);
        Ok(Made::Payment(id.to_owned()))
    }

    pub(super) fn refund(&mut self, id: &str, part: &Part) -> Result<Made, Refusal> {
        let payment = self.payments.get_mut(id).ok_or("no_such_payment")?;
        check(part, &payment.currency)?;
        if part.amount > payment.captured - payment.refunded {
            return Err("amount_too_large");
        }
        payment.refunded += part.amount;
        *self.balances.entry(part.currency.clone()).or_default() -= part.amount;
        Ok(self.moved("refund", id, part.amount, &part.currency))
    }

    pub(super) fn transfer(&mut self, new: &NewDisbursement) -> Result<Made, Refusal> {
        let account = self.accounts.get_mut(&new.account).ok_or("no_such_account")?;
        if account.state != AccountState::Active {
            return Err("account_not_active");
        }
        let ours = self.balances.entry(new.currency.clone()).or_default();
        take(ours, new.amount)?;
        *account.balances.entry(new.currency.clone()).or_default() += new.amount;
        Ok(self.moved("transfer", &new.account, new.amount, &new.currency))
    }

    pub(super) fn payout(&mut self, new: &NewDisbursement) -> Result<Made, Refusal> {
        let account = self.accounts.get_mut(&new.account).ok_or("no_such_account")?;
        if account.state != AccountState::Active {
            return Err("account_not_active");
        }
        take(account.balances.entry(new.currency.clone()).or_default(), new.amount)?;
        Ok(self.moved("payout", &new.account, new.amount, &new.currency))
    }

    pub(super) fn open_account(&mut self, new: NewAccount) -> Made {
        let id = id("acct");
        let account = Account {
            id: id.clone(),
            state: AccountState::Pending,
            requirements: vec!["identity".to_owned()],
            reference: new.reference,
            balances: HashMap::new(),
        };
        self.accounts.insert(id.clone(), account);
        Made::Account(id)
    }

    /// Moves an account to another state, as the provider's own checks would.
    pub(super) fn set_account(&mut self, id: &str, state: AccountState) -> Result<Made, Refusal> {
        let account = self.accounts.get_mut(id).ok_or("no_such_account")?;
        account.state = state;
        if state == AccountState::Active {
            account.requirements.clear();
        }
        self.happened("account.changed", id);
        Ok(Made::Account(id.to_owned()))
    }

    /// A bank gives a refund or a payout back that was done.
    pub(super) fn bounce(&mut self, id: &str) -> Result<Made, Refusal> {
        let disbursement = self.disbursements.get_mut(id).ok_or("no_such_disbursement")?;
        disbursement.state = "failed";
        let event = match disbursement.kind {
            "refund" => "refund.failed",
            "transfer" => "transfer.failed",
            _ => "payout.failed",
        };
        self.happened(event, id);
        Ok(Made::Disbursement(id.to_owned()))
    }

    fn moved(&mut self, kind: &'static str, of: &str, amount: i64, currency: &str) -> Made {
        let id = id(kind);
        let disbursement = Disbursement {
            id: id.clone(),
            kind,
            of: of.to_owned(),
            state: "done",
            amount,
            currency: currency.to_owned(),
        };
        self.disbursements.insert(id.clone(), disbursement);
        let event = match kind {
            "refund" => "refund.done",
            "transfer" => "transfer.done",
            _ => "payout.done",
        };
        self.happened(event, &id);
        Made::Disbursement(id)
    }

    fn happened(&mut self, kind: &'static str, subject: &str) {
        self.events.push(Event { id: id("evt"), kind, subject: subject.to_owned() });
    }
}

fn check(part: &Part, currency: &str) -> Result<(), Refusal> {
    if part.amount <= 0 {
        return Err("amount_not_positive");
    }
    if part.currency == currency { Ok(()) } else { Err("currency_differs") }
}

fn take(balance: &mut i64, amount: i64) -> Result<(), Refusal> {
    if amount <= 0 {
        return Err("amount_not_positive");
    }
    if amount > *balance {
        return Err("balance_too_small");
    }
    *balance -= amount;
    Ok(())
}
