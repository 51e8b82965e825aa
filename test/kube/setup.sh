#!/usr/bin/env bash
# Prepares etcd and kube-apiserver for the Kubernetes suite, in the user's cache folder: etcd from an
# installed one or Debian's package, kube-apiserver built from its Go module (assets/go.mod).
# KUBEBUILDER_ASSETS, where it is set, already names a folder that holds both.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
  for it in etcd kube-apiserver; do
    [[ -x $KUBEBUILDER_ASSETS/$it ]] || { echo "KUBEBUILDER_ASSETS has no $it" >&2; exit 1; }
  done
  echo "etcd and kube-apiserver are in $KUBEBUILDER_ASSETS"
  exit 0
fi

version=$(sed -n 's/.*k8s.io\/kubernetes \(v[0-9.]*\).*/\1/p' "$here/assets/go.mod" | head -n 1)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/innominatus/kube/$version
mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

prepare_etcd() {
  if command -v etcd >/dev/null; then
    cp "$(command -v etcd)" "$folder/etcd"
  elif command -v apt-get >/dev/null && command -v dpkg >/dev/null; then
    chmod 755 "$work"
    (cd "$work" && { apt-get download -q etcd-server || { apt-get update -q && apt-get download -q etcd-server; }; })
    dpkg -x "$work"/etcd-server_*.deb "$work/etcd"
    cp "$work/etcd/usr/bin/etcd" "$folder/etcd"
  else
    echo "etcd is not installed, and this is no Debian to fetch its package: install etcd" >&2
    exit 1
  fi
}

prepare_apiserver() {
  command -v go >/dev/null || { echo "building kube-apiserver needs Go 1.26 or later" >&2; exit 1; }
  echo "building kube-apiserver $version: some minutes, once"
  (cd "$here/assets" &&
    nice -n 10 env CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' \
      -o "$work/kube-apiserver" k8s.io/kubernetes/cmd/kube-apiserver)
  mv "$work/kube-apiserver" "$folder/kube-apiserver"
}

[[ -x $folder/etcd ]] || prepare_etcd
[[ -x $folder/kube-apiserver ]] || prepare_apiserver
echo "etcd and kube-apiserver are in $folder"
