use super::*;

#[test]
fn near_names_come_first_and_strangers_get_the_list() {
    let names = ["jobs.prune", "auctions.sweep", "jobs.purge"];
    assert_eq!(advice("kinds", names, "jobs.prun"), "did you mean jobs.prune, jobs.purge?");
    assert_eq!(advice("kinds", names, "zzz"), "the kinds are jobs.prune, auctions.sweep, jobs.purge");
    assert_eq!(advice("kinds", names, ""), "the kinds are jobs.prune, auctions.sweep, jobs.purge");
    assert_eq!(advice("schedules", [], "x"), "there are no schedules yet");
}
