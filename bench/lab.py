"""The bench's laboratory: certificates, proxy configurations, processes, and what /proc tells of them.

Every proxy does TLS 1.3 in and mutual TLS 1.3 out, keeps connections alive on both sides, resumes sessions, and serves
with one worker; each is configured as its users would run it in front of a model server, and no slower than that.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent

OPENSSL = """
[req]
distinguished_name = name
prompt = no
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
"""

# Answers are not buffered, or tokens would wait; request bodies up to 1 MB stay in memory.
NGINX = """
worker_processes 1;
worker_rlimit_nofile 20000;
daemon off;
master_process {master};
pid {work}/nginx.pid;
error_log {work}/nginx.err warn;
events {{ worker_connections 20000; }}
http {{
  access_log off;
  client_body_temp_path {work}/nginx-body;
  proxy_temp_path {work}/nginx-proxy;
  fastcgi_temp_path {work}/nginx-unused;
  uwsgi_temp_path {work}/nginx-unused;
  scgi_temp_path {work}/nginx-unused;
  client_body_buffer_size 1m;
  client_max_body_size 64m;
  keepalive_requests 1000000;
  keepalive_timeout 600s;
  map_hash_bucket_size 128;
  map $http_authorization $known {{ default 0; "Bearer {token}" 1; }}
  upstream model {{
    server 127.0.0.1:{upstream};
    keepalive 1024;
    keepalive_requests 1000000;
    keepalive_timeout 600s;
  }}
  server {{
    listen 127.0.0.1:{port} ssl;
    server_name localhost;
    ssl_protocols TLSv1.3;
    ssl_certificate {work}/server.pem;
    ssl_certificate_key {work}/server.key;
    location / {{
      if ($known = 0) {{ return 401; }}
      proxy_pass https://model;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host localhost;
      proxy_buffering off;
      proxy_read_timeout 600s;
      proxy_send_timeout 600s;
      proxy_ssl_protocols TLSv1.3;
      proxy_ssl_certificate {work}/client.pem;
      proxy_ssl_certificate_key {work}/client.key;
      proxy_ssl_trusted_certificate {work}/ca.pem;
      proxy_ssl_verify on;
      proxy_ssl_server_name on;
      proxy_ssl_name localhost;
      proxy_ssl_session_reuse on;
    }}
  }}
}}
"""

HAPROXY = """
global
  nbthread 1
  maxconn 9900
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-server-options ssl-min-ver TLSv1.3
defaults
  mode http
  timeout connect 10s
  timeout client 600s
  timeout server 600s
  timeout http-keep-alive 600s
  http-reuse always
frontend public
  bind 127.0.0.1:{port} ssl crt {work}/server-both.pem
  http-request deny deny_status 401 unless {{ req.hdr(authorization) -m str "Bearer {token}" }}
  default_backend model
backend model
  server model 127.0.0.1:{upstream} ssl verify required ca-file {work}/ca.pem crt {work}/client-both.pem sni str(localhost) verifyhost localhost
"""

SALLYPORT = """
listeners:
  - name: public
    address: 127.0.0.1:{port}
    tls: {{certificates: [{{chain: {work}/server.pem, key: {work}/server.key}}]}}
upstreams:
  - name: model
    endpoints: ["https://127.0.0.1:{upstream}"]
    tls: {{ca: {work}/ca.pem, certificate: {work}/client.pem, key: {work}/client.key, server_name: localhost}}
    timeouts: {{first_byte: 600s, idle: 600s}}
    pool: {{connections: 20000, idle: 1024, idle_expiry: 600s}}
models:
  - name: bench
    targets: [{{upstream: model}}]
tokens: {{file: {work}/tokens.jsonl}}
limits: {{connections_per_address: 20000, keep_alive_idle: 600s, keep_alive_requests: 1000000}}
workers: {workers}
{log}
"""

SEALED = """
log:
  directory: {work}/log-{port}
  origin: bench.example
  recipients: ["file:{work}/auditor.pub"]
  durability: written
  capture: {capture}
"""

PROXIES = ("nginx", "haproxy", "sallyport-off", "sallyport-metadata", "sallyport-full")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A child of ours, with all it forks."""

    def __init__(self, arguments, log, **options):
        self.log = log
        self.child = subprocess.Popen([str(word) for word in arguments], stderr=open(log, "ab"), start_new_session=True,
                                      **options)
        self.pid = self.child.pid

    def all_pids(self):
        parents = {}
        for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = entry.read_text().rpartition(") ")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.parent.name))
        found = [self.pid]
        for pid in found:
            found += parents.get(pid, [])
        return found

    def cpu_seconds(self):
        """User and system time of all its processes and threads."""
        ticks = 0
        for pid in self.all_pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        total = 0
        for pid in self.all_pids():
            for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1]) * 1024
        return total

    def stop(self, patience=20):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(patience)
            except subprocess.TimeoutExpired:
                os.killpg(self.pid, signal.SIGKILL)
                self.child.wait()


class Load(Process):
    """The load generator: wait_ready(), read what is to be read, then measure()."""

    def __init__(self, lab, proxy, settings):
        self.name = proxy.name
        arguments = [lab.ends / "bench_load", "--port", proxy.port, "--ca", lab.work / "ca.pem", "--token", lab.token]
        for name, value in settings.items():
            arguments += ["--" + name] if value is True else ["--" + name, value]
        super().__init__(arguments, lab.work / "load.err", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def wait_ready(self):
        self._line()

    def measure(self):
        self.child.stdin.write("go\n")
        self.child.stdin.flush()
        figures = self._line()
        self.child.wait()
        return figures

    def _line(self):
        line = self.child.stdout.readline()
        if not line:
            raise RuntimeError(f"the load generator ended early; see {self.log}")
        figures = json.loads(line)
        if figures["wrong"]:
            self.stop()
            raise WrongAnswer(f"{self.name}: {figures['wrong']}")
        return figures


class WrongAnswer(Exception):
    """Some answer was not what the model server sends: no figure of that run counts."""


class Lab:
    def __init__(self, work, sallyport, ends):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that __exit__ stops what was started
        self.work = pathlib.Path(work).resolve()
        self.sallyport, self.ends = pathlib.Path(sallyport).resolve(), pathlib.Path(ends).resolve()
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.started = []
        self._make_certificates()
        self._make_token()
        self.upstream = self._start_model_server()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.started):
            process.stop(patience=5)

    def run(self, *arguments):
        done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{arguments[0]}: {done.stderr.strip()}")
        return done.stdout

    def _make_certificates(self):
        (self.work / "openssl.cnf").write_text(OPENSSL)
        signed = ["-CA", self.work / "ca.pem", "-CAkey", self.work / "ca.key"]
        for name, kind, subject in (("ca", "authority", "bench"), ("server", "server", "localhost"),
                                    ("client", "client", "proxy"), ("model", "server", "localhost")):
            key, certificate = self.work / f"{name}.key", self.work / f"{name}.pem"
            self.run("openssl", "req", "-x509", "-config", self.work / "openssl.cnf", "-extensions", kind, "-subj",
                     f"/CN={subject}", "-days", 30, "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-keyout", key, "-out", certificate, *([] if name == "ca" else signed))
            (self.work / f"{name}-both.pem").write_text(certificate.read_text() + key.read_text())

    def _make_token(self):
        self.token = self.run(self.sallyport, "token", "create", "--name", "bench", "--models", "bench", "--file",
                              self.work / "tokens.jsonl").strip()
        self.run(self.sallyport, "key", "new", "--out", self.work / "auditor")

    def start(self, arguments, log, **options):
        process = Process(arguments, self.work / log, **options)
        self.started.append(process)
        return process

    def _start_model_server(self):
        server = self.start([self.ends / "bench_model_server", "--certificate", self.work / "model.pem", "--key",
                             self.work / "model.key", "--client-ca", self.work / "ca.pem"], "model.err",
                            stdout=subprocess.PIPE, text=True)
        self.model_server = server
        return int(server.child.stdout.readline().split()[-1])

    def start_proxy(self, name, wrapper=(), single_process=False, workers=1):
        """Starts a proxy, behind the words of `wrapper` (valgrind, strace), and waits until it listens."""
        port = free_port()
        values = dict(work=self.work, port=port, upstream=self.upstream, token=self.token, workers=workers,
                      master="off" if single_process else "on")
        if name == "nginx":
            command, text = ["nginx", "-p", self.work, "-c"], NGINX
        elif name == "haproxy":
            command, text = ["haproxy", "-db", "-f"], HAPROXY
        else:
            capture = name.partition("-")[2]
            values["log"] = "log: off" if capture == "off" else SEALED.format(**values, capture=capture)
            command, text = [self.sallyport, "serve", "--config"], SALLYPORT
        path = self.work / f"{name}-{port}.conf"
        path.write_text(text.format(**values))
        process = self.start([*wrapper, *command, path], f"{name}.err")
        process.port, process.name = port, name
        self._wait_until_listening(process)
        return process

    def _wait_until_listening(self, process):
        for _ in range(30_000):
            if process.child.poll() is not None:
                raise RuntimeError(f"{process.name} ended; see {self.work}/{process.name}.err")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", process.port)) == 0:
                    return
            time.sleep(0.002)
        raise RuntimeError(f"{process.name} does not listen")

    def load(self, proxy, settings):
        process = Load(self, proxy, settings)
        self.started.append(process)
        return process


def build(folder):
    """Configures and builds the gateway and the bench's two ends as they ship; gives where they are."""
    folder = pathlib.Path(folder).resolve()
    for command in (["cmake", "-S", REPOSITORY, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
                     "-DSALLYPORT_TESTS=OFF", "-DSALLYPORT_BENCH=ON"],
                    ["cmake", "--build", folder, "--target", "sallyport", "bench_model_server", "bench_load"]):
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
    return folder / "sallyport", folder / "bench"


def install(packages):
    """From Debian, those that are missing; without nginx's own service, which would take port 80."""
    missing = [name for name in packages if subprocess.run(["dpkg", "-s", name], capture_output=True).returncode != 0]
    if not missing:
        return
    as_root = [] if os.geteuid() == 0 else ["sudo"]
    subprocess.run([*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get", "install", "-y",
                    "--no-install-recommends", *missing], check=True, stdout=subprocess.DEVNULL)
