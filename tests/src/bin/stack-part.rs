//! `stack-part api|worker|scheduler [POINT FAULT]`, `stack-part pool NAME`: a part of the stack as a
//! process of its own, so that a test can kill it or have it break between two steps.

use std::process::ExitCode;

use queue::fault;
use shared::program;
use tests::roles;

/// How many jobs of each queue a pool runs at once: all that a test has come to a halt.
const AT_ONCE: usize = 32;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let part = args.next().unwrap_or_default();
    let breaks: Vec<String> = args.collect();
    program::main(&part.clone(), &[], async move |config, signals| {
        if let [point, breaks] = breaks.as_slice() {
            fault::arm(point.parse()?, breaks.parse()?);
        }
        match part.as_str() {
            "api" => api::serve(config, signals).await,
            "pool" => {
                let pool = breaks.first().map_or("", String::as_str);
                workers::runtime::run(pool, &config, AT_ONCE, roles::GRACE, signals).await
            }
            "worker" => roles::worker(&config, 8, roles::GRACE, signals).await,
            "scheduler" => roles::scheduler(&config, signals).await,
            other => anyhow::bail!("unknown part {other:?}: api, worker, pool or scheduler"),
        }
    })
}
