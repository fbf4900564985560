#!/usr/bin/env bash
# Builds the image without a container engine, and starts what is in it. On demand, as root on Debian; takes about ten
# minutes and 4 GB.
#
# The base image that the Dockerfile names is made here: Debian's packages and the Rust toolchain of this machine.
set -euo pipefail
cd "$(dirname "$0")/.."

((EUID == 0)) || { echo "Run this as root: it makes a root file system." >&2; exit 1; }
need() { type -P "$1" >/dev/null || { apt-get update && apt-get install --yes --no-install-recommends "$2"; }; }
need buildah buildah
need debootstrap debootstrap
need curl curl

export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
work=$(mktemp -d)
# A store of its own: what is built here is no image of anybody's.
buildah() { command buildah --root "$work/storage" --runroot "$work/run" "$@"; }
relay=
clean() {
  if [[ -n $relay ]]; then kill -KILL "$relay" 2>/dev/null || true; fi
  buildah umount --all >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean EXIT

base=$(sed -n 's/^FROM \(rust:[^ ]*\).*/\1/p' Dockerfile)
echo "== the base image $base, of debootstrap and $(rustc --version)"
debootstrap --variant=minbase bookworm "$work/base" >"$work/debootstrap.log"
cp -a "$(rustc --print sysroot)" "$work/base/usr/local/rust"
# Authorities that this machine trusts beside Debian's: they outlast the installation of ca-certificates.
mkdir -p "$work/base/etc/ssl/certs" "$work/base/usr/local/share/ca-certificates"
cp -a /usr/local/share/ca-certificates/. "$work/base/usr/local/share/ca-certificates/"
cp --dereference /etc/ssl/certs/ca-certificates.crt "$work/base/etc/ssl/certs/"
container=$(buildah from scratch)
buildah add --quiet "$container" "$work/base" / >/dev/null
buildah config --env PATH=/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
buildah commit --quiet --rm "$container" "docker.io/library/$base" >/dev/null
rm -rf "$work/base"

echo "== the image"
buildah bud --format docker --pull-never --network host --tag handoff-relay-test .
container=$(buildah from --pull-never handoff-relay-test)
tree=$(buildah mount "$container")
size=$(du -sm "$tree" | cut -f1)
echo "== $size MB"

# The image's own settings, a volume, and the user.
mkdir -p "$tree/data"
chown 65532:65532 "$tree/data"
start() {
  chroot --userspec=65532:65532 "$tree" /usr/local/bin/handoff-relay "$@" &
  relay=$!
}
settings=(
  ADA_BASE_URL=http://127.0.0.1:9/api ADA_API_KEY=key-of-the-image-test
  WEBHOOK_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw HANDOFF_AUTH_KEY=start-key-of-the-image-test
  AGENT_TOKENS=Alex=token-of-the-image-test
  DATABASE_URL=sqlite:///data/handoffs.db FILES_URL=file:///data/files TMPDIR=/data
  LISTEN=127.0.0.1:28090 AGENT_LISTEN=127.0.0.1:28091
)
export "${settings[@]}"
answers() { # answers PATH PORT: waits until the relay answers with 200
  for _ in $(seq 100); do
    [[ $(curl --silent --output /dev/null --write-out '%{http_code}' "http://127.0.0.1:$2$1") == 200 ]] && return
    sleep 0.1
  done
  echo "no answer at port $2$1" >&2
  return 1
}
for start in first second; do
  start
  answers /health/live 28090
  answers / 28091
  chroot --userspec=65532:65532 "$tree" /usr/local/bin/handoff-relay health
  [[ $(ps -o uid= -p "$relay") -eq 65532 ]]
  kill -TERM "$relay"
  wait "$relay"
  relay=
  echo "== the $start start: healthy on both ports, and stopped in order"
done
[[ -s $tree/data/handoffs.db ]]
echo "== well"
