//! Random acts on one endpoint and its deliveries, one after the other, against a model that knows only the rules.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::webhooks::rules::attempt::ATTEMPTS;

#[derive(Clone, Copy, Debug)]
enum Act {
    /// Something happens.
    Happen,
    /// The n-th delivery that waits is tried.
    Try(usize, AttemptOutcome),
    Pause,
    Resume,
    Replay(usize),
    ReplayMissed,
    /// Five days pass.
    Age,
}

fn outcome() -> impl Strategy<Value = AttemptOutcome> {
    prop_oneof![
        6 => Just(AttemptOutcome::Delivered),
        6 => Just(AttemptOutcome::Refused),
        2 => Just(AttemptOutcome::TimedOut),
        1 => Just(AttemptOutcome::Redirected),
        1 => Just(AttemptOutcome::ForbiddenAddress),
        1 => Just(AttemptOutcome::Gone),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Happen),
        12 => (0..4_usize, outcome()).prop_map(|(n, outcome)| Act::Try(n, outcome)),
        1 => Just(Act::Pause),
        2 => Just(Act::Resume),
        2 => (0..6_usize).prop_map(Act::Replay),
        1 => Just(Act::ReplayMissed),
        1 => Just(Act::Age),
    ]
}

/// What the rules say of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Expected {
    status: DeliveryStatus,
    attempts: i32,
    round: usize,
}

/// What the rules say of everything.
#[derive(Debug)]
struct Model {
    status: EndpointStatus,
    /// How many days every attempt has failed.
    failing: Option<i64>,
    deliveries: BTreeMap<DeliveryId, Expected>,
}

impl Model {
    fn waiting(&self) -> Vec<DeliveryId> {
        let waiting = self.deliveries.iter().filter(|(_, it)| it.status == DeliveryStatus::Waiting);
        waiting.map(|(id, _)| *id).collect()
    }

    fn stop(&mut self, status: EndpointStatus) {
        self.status = status;
        for it in self.deliveries.values_mut().filter(|it| it.status == DeliveryStatus::Waiting) {
            it.status = DeliveryStatus::Missed;
        }
    }

    fn tried(&mut self, id: DeliveryId, outcome: AttemptOutcome) {
        let it = self.deliveries.get_mut(&id).expect("a delivery");
        it.attempts += 1;
        it.round += 1;
        let round = it.round;
        if outcome == AttemptOutcome::Delivered {
            it.status = DeliveryStatus::Delivered;
            self.failing = None;
            return;
        }
        let failing = *self.failing.get_or_insert(0);
        if outcome == AttemptOutcome::Gone {
            it.status = DeliveryStatus::Failed;
            self.stop(EndpointStatus::Disabled);
        } else if failing >= 5 {
            it.status = DeliveryStatus::Failed;
            self.stop(EndpointStatus::Paused);
        } else if round >= ATTEMPTS {
            it.status = DeliveryStatus::Failed;
        }
    }

    fn begin(&mut self, id: DeliveryId) {
        let it = self.deliveries.get_mut(&id).expect("a delivery");
        it.status = DeliveryStatus::Waiting;
        it.round = 0;
    }
}

struct Machine {
    of: Trader,
    endpoint: EndpointId,
    model: Model,
}

impl Machine {
    async fn play(&mut self, conn: &mut PgConnection, act: Act) {
        let (by, org, id) = (Actor::User(self.of.user), self.of.org, self.endpoint);
        let is_active = self.model.status == EndpointStatus::Active;
        match act {
            Act::Happen => match test_delivery(conn, org, by, id).await {
                Ok(made) => {
                    assert!(is_active);
                    let fresh = Expected { status: DeliveryStatus::Waiting, attempts: 0, round: 0 };
                    self.model.deliveries.insert(made, fresh);
                }
                Err(error) => assert!(matches!(error, WebhookError::NotActive) && !is_active, "{error:?}"),
            },
            Act::Try(n, outcome) => {
                let Some(delivery) = self.model.waiting().get(n).copied() else { return };
                let mut tx = conn.begin().await.expect("a transaction");
                record(&mut tx, delivery, id, JobId(1), &attempt(outcome)).await.expect("recorded");
                tx.commit().await.expect("committed");
                self.model.tried(delivery, outcome);
            }
            Act::Pause => {
                pause(conn, org, by, id).await.expect("paused");
                if is_active {
                    self.model.stop(EndpointStatus::Paused);
                }
            }
            Act::Resume => {
                resume(conn, org, by, id).await.expect("resumed");
                if !is_active {
                    (self.model.status, self.model.failing) = (EndpointStatus::Active, None);
                }
            }
            Act::Replay(n) => {
                let Some(delivery) = self.model.deliveries.keys().nth(n).copied() else { return };
                let waits = self.model.deliveries[&delivery].status == DeliveryStatus::Waiting;
                match replay(conn, org, by, delivery).await {
                    Ok(begun) => {
                        assert!(is_active && begun != waits);
                        if begun {
                            self.model.begin(delivery);
                        }
                    }
                    Err(error) => assert!(matches!(error, WebhookError::NotActive) && !is_active, "{error:?}"),
                }
            }
            Act::ReplayMissed => match replay_missed(conn, org, by, id, chrono::DateTime::UNIX_EPOCH, None).await {
                Ok(begun) => {
                    assert!(is_active);
                    let lost = [DeliveryStatus::Failed, DeliveryStatus::Missed];
                    let lost = self.model.deliveries.iter().filter(|(_, it)| lost.contains(&it.status));
                    let lost: Vec<_> = lost.map(|(id, _)| *id).collect();
                    assert_eq!(begun, lost);
                    for delivery in lost {
                        self.model.begin(delivery);
                    }
                }
                Err(error) => assert!(matches!(error, WebhookError::NotActive) && !is_active, "{error:?}"),
            },
            Act::Age => {
                sqlx::query(
                    "UPDATE webhook_endpoints SET failing_since = failing_since - interval '5 days' WHERE id = $1",
                )
                .bind(id)
                .execute(conn)
                .await
                .expect("five days later");
                self.model.failing = self.model.failing.map(|days| days + 5);
            }
        }
    }

    /// The tables say what the model says.
    async fn assert_same(&self, conn: &mut PgConnection) {
        let found = get(conn, self.of.org, self.endpoint).await.expect("read").expect("the endpoint");
        assert_eq!((found.status, found.failing_since.is_some()), (self.model.status, self.model.failing.is_some()));
        assert_eq!(found.reason.is_some(), found.status != EndpointStatus::Active);
        let rows: Vec<(DeliveryId, DeliveryStatus, i32, i32, i64)> = sqlx::query_as(
            "SELECT id, status, attempts, round, (SELECT count(*) FROM webhook_attempts WHERE delivery_id = d.id)
             FROM webhook_deliveries AS d
             WHERE endpoint_id = $1
             ORDER BY id",
        )
        .bind(self.endpoint)
        .fetch_all(conn)
        .await
        .expect("the deliveries");
        let found: BTreeMap<_, _> = rows
            .into_iter()
            .map(|(id, status, attempts, round, kept)| {
                assert_eq!(i64::from(attempts), kept, "every attempt is kept");
                (id, Expected { status, attempts, round: usize::try_from(round).expect("a count") })
            })
            .collect();
        assert_eq!(found, self.model.deliveries);
    }
}

#[test]
fn whatever_happens_in_whatever_order_deliveries_are_where_the_rules_say() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for cases in shared::testing::cases(40) {
        let db = runtime.block_on(TestDb::new());
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let result = runner.run(&prop::collection::vec(act(), 1..80), |acts| {
            runtime.block_on(async {
                let mut conn = db.pool.acquire().await.expect("a connection");
                let of = trader(&mut conn).await;
                let endpoint = made(&mut conn, of, &[Subscription::All]).await.id;
                let model = Model { status: EndpointStatus::Active, failing: None, deliveries: BTreeMap::new() };
                let mut machine = Machine { of, endpoint, model };
                for act in acts {
                    machine.play(&mut conn, act).await;
                    machine.assert_same(&mut conn).await;
                }
            });
            Ok(())
        });
        runtime.block_on(db.close());
        result.expect("the rules hold");
    }
}
