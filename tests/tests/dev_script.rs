//! `./dev` by itself: what it must not start, and which processes it must recognise as its own.
#![expect(clippy::unwrap_used, reason = "a test ends where the scripts do not start")]

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A copy of the scripts in a checkout of its own, where everything that they start or write can be
/// seen.
fn checkout() -> TempDir {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(copy.path().join("deploy/dev")).unwrap();
    std::fs::copy(root.join("dev"), copy.path().join("dev")).unwrap();
    for script in std::fs::read_dir(root.join("deploy/dev")).unwrap() {
        let script = script.unwrap();
        std::fs::copy(script.path(), copy.path().join("deploy/dev").join(script.file_name())).unwrap();
    }
    std::fs::create_dir_all(copy.path().join("tests/contract")).unwrap();
    std::fs::copy(root.join("tests/contract/run.py"), copy.path().join("tests/contract/run.py")).unwrap();
    copy
}

fn dev(checkout: &TempDir, args: &[&str]) -> Output {
    Command::new(checkout.path().join("dev")).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn asking_for_help_prints_it_and_starts_nothing() {
    let checkout = checkout();
    let commands =
        ["up", "down", "status", "logs", "reset", "demo", "test", "contract", "sqlx", "bench", "servers", "env"];
    for command in commands {
        for args in [vec![command, "--help"], vec![command, "-h"], vec![command, "something", "--help"]] {
            let output = dev(&checkout, &args);
            assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
            assert!(text(&output.stdout).starts_with("Tradeyard: ./dev COMMAND"), "{args:?}");
            assert!(text(&output.stdout).contains(&format!("\n  {command} ")), "{command} is on the page");
        }
    }
    for args in [&["help"][..], &["--help"], &["-h"], &[]] {
        assert!(dev(&checkout, args).status.success(), "{args:?}");
    }
    assert!(!checkout.path().join(".dev").exists());
}

#[test]
fn wrong_arguments_are_refused_with_the_usage_before_anything_is_started() {
    let checkout = checkout();
    let wrong: &[&[&str]] = &[
        &["nonsense"],
        &["up", "--bogus"],
        &["down", "all"],
        &["status", "api"],
        &["reset", "api"],
        &["servers", "redis"],
        &["env", "api"],
        &["sqlx", "all"],
        &["contract", "bogus"],
        &["contract", "admin", "bogus"],
        &["contract", ".*"],
        &["bench", "--bogus"],
        &["bench", "--jobs"],
        &["bench", "--jobs", "many"],
        &["bench", "--json", "--runs=-1"],
        &["bench", "--only", "--json"],
    ];
    for args in wrong {
        let output = dev(&checkout, args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let complaint = text(&output.stderr);
        assert!(complaint.contains("./dev COMMAND") && complaint.contains("error: "), "{args:?}: {complaint}");
    }
    assert!(!checkout.path().join(".dev").exists());
}

#[test]
fn a_rabbitmq_node_that_outlived_its_start_script_is_recognised_and_stopped() {
    let checkout = checkout();
    // A node is recognised by its settings, so any program will do. Another checkout's is not
    // touched.
    let script = r#"
        set -euo pipefail
        for part in ui process servers; do source "deploy/dev/$part.sh"; done
        STATE=$PWD/.dev GRACE=20
        mkdir -p "$STATE/run"
        RABBITMQ_PID_FILE=$STATE/rabbitmq/pid sleep 600 & ours=$!
        RABBITMQ_PID_FILE=/elsewhere/rabbitmq/pid sleep 600 & other=$!
        until [[ -n $(left_over_nodes) ]]; do sleep 0.05; done
        [[ $(left_over_nodes) == "$ours" ]]
        stop_left_over_nodes
        status=0; wait "$ours" || status=$?
        kill "$other"
        echo "ended with $status"
    "#;
    let output = Command::new("bash").args(["-c", script]).current_dir(checkout.path()).output().unwrap();
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    assert!(said.contains("has outlived its start script") && said.ends_with("ended with 143\n"), "{said}");
}
