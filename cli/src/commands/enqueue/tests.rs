use super::*;

#[test]
fn an_unknown_kind_names_near_ones() {
    let registry = jobs::registry().unwrap();
    for typed in ["job.prune", "jobs.purge", "prune"] {
        let error = crate::failure::message_with_advice(&known(&registry, typed).unwrap_err());
        assert!(error.contains("jobs.prune"), "{typed}: {error}");
    }
    let error = crate::failure::message_with_advice(&known(&registry, "zzz").unwrap_err());
    assert!(error.contains("the kinds are") && error.contains("jobs.prune"), "{error}");
}

#[test]
fn json_comes_from_the_argument_or_a_file() {
    assert_eq!(json_argument("{\"a\": 1}").unwrap()["a"], 1);
    assert!(json_argument("{a: 1}").unwrap_err().to_string().contains("is not JSON"));
    assert!(json_argument("@/no/such/file").unwrap_err().to_string().contains("cannot read"));
}
