"""Tries the running product against its own OpenAPI document.

Usage: run.py TRADEYARD_PROGRAM FOLDER CLIENT_TOOLS [ROLE...]

First a client that is generated from the document runs a bid; then schemathesis tries every operation as every role. The
roles take turns, because what one does, such as an administrator who suspends people, must not decide what another sees. Whoever is
not logged in changes nothing that others see, and is tried beside them.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stack import Refused, TestStack

HERE = Path(__file__).resolve().parent
CLIENT = HERE.parent / "typescript-client"
# The order matters: whoever may end others' sessions comes last.
ROLES = ["anonymous", "user", "operator", "admin"]
# How many requests to generate for each operation, and how many walks along the links. A limit in seconds would let a faster
# machine try requests that a slower one never sees.
PHASES = {"examples,coverage,fuzzing": 8, "stateful": 100}


def step(name, run):
    begin = time.monotonic()
    good = run()
    print(f"    {name:36} {'ok' if good else 'FAILED'} in {time.monotonic() - begin:.0f} s", flush=True)
    return good


def client(stack, tools):
    """Generates the client, type-checks it, and lets it bid."""
    work = stack.folder / "client"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(CLIENT / "src", work / "src")
    for name in ("package.json", "tsconfig.json"):
        shutil.copy(CLIENT / name, work)
    (work / "node_modules").symlink_to((tools / "node_modules").resolve())
    (work / "generated").mkdir()
    admin = stack.people["admin"]
    environment = os.environ | {
        "CONTRACT_BASE": stack.base, "CONTRACT_MAILBOX": stack.mailbox,
        "CONTRACT_EMAIL": admin.email, "CONTRACT_PASSWORD": admin.password,
    }
    tool = work / "node_modules" / ".bin"
    commands = [
        [tool / "openapi-typescript", f"{stack.base}/openapi.json", "--output", "generated/api.d.ts"],
        [tool / "tsc"],
        ["node", "build/src/bid.js"],
    ]
    for command in commands:
        done = subprocess.run(command, cwd=work, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            print(done.stdout)
            return False
    return True


def judge(stack, role, phases, most):
    """Lets schemathesis try every operation as this role, or follow the links between them."""
    environment = os.environ | {"CONTRACT_BASE": stack.base, "CONTRACT_THINGS": json.dumps(stack.things(role))}
    if person := stack.people.get(role):
        environment |= {"CONTRACT_EMAIL": person.email, "CONTRACT_PASSWORD": person.password}
    command = [
        Path(sys.executable).with_name("schemathesis"), "--config-file", HERE / "schemathesis.toml",
        "run", f"{stack.base}/openapi.json", "--phases", phases, "--max-examples", str(most), "--workers", "2",
        "--report", "ndjson", "--report-ndjson-path", stack.folder / f"{role}-{phases}.ndjson",
    ]
    output = stack.folder / f"{role}-{phases}.log"
    with open(output, "w") as log:
        code = subprocess.run(command, env=environment, cwd=HERE, stdout=log, stderr=subprocess.STDOUT).returncode
    if code:
        print(output.read_text()[-20_000:], flush=True)
    return code == 0


def tried(stack, role):
    return [step(f"{role}: {phases}", lambda: judge(stack, role, phases, most)) for phases, most in PHASES.items()]


def main():
    program, folder, tools = (Path(argument).resolve() for argument in sys.argv[1:4])
    roles = sys.argv[4:] or ROLES
    if unknown := [role for role in roles if role not in ROLES]:
        sys.exit(f"no such role: {', '.join(unknown)}; there are {', '.join(ROLES)}")
    try:
        with TestStack(program, folder) as stack, ThreadPoolExecutor(max_workers=1) as beside:
            good = [step("TypeScript client", lambda: client(stack, tools))]
            nobody = [beside.submit(tried, stack, role) for role in roles if role == "anonymous"]
            for role in roles:
                if role != "anonymous":
                    good += tried(stack, role)
            for trial in nobody:
                good += trial.result()
    except Refused as refused:
        sys.exit(str(refused))
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
