use super::Bought;
use crate::http::server::Server;

fn bought(tax: i64, count: i64) -> Bought {
    let form = format!(r#"{{"order":{{"tax_minor":{tax}}}}}"#);
    Bought { forms: [(form, count)].into(), units: count, answers: count, jobs: 2 * count }
}

#[test]
fn a_peer_that_sells_otherwise_is_not_measured() {
    let api = bought(1_900, 5);
    api.check(Server::Api, None).unwrap();
    bought(1_900, 7).check(Server::FastApi, Some(&api)).unwrap();
    assert!(bought(1_901, 7).check(Server::FastApi, Some(&api)).is_err());
    for lacking in [
        Bought { units: 4, ..api.clone() },
        Bought { answers: 4, ..api.clone() },
        Bought { jobs: 9, ..api.clone() },
        bought(1_900, 0),
    ] {
        assert!(lacking.check(Server::FastApi, Some(&api)).is_err(), "{lacking:?}");
    }
}
