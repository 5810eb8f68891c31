#!/usr/bin/env bash
# Unpacks RabbitMQ and its Erlang into a directory, from the packages of this machine's Debian or
# Ubuntu. apt verifies them by the distribution's signature, so their versions are the
# distribution's. Nothing is installed, and root is not needed.
set -euo pipefail
dir=$1
packages=(rabbitmq-server erlang-{base,asn1,crypto,eldap,inets,mnesia,os-mon,parsetools,public-key,runtime-tools,ssl}
  erlang-{syntax-tools,tools,xmerl} libwrap0)
apt=(apt-get -q -y -o "Dir::Cache=$dir/apt" -o Debug::NoLocking=1 -o APT::Sandbox::User=root)

mkdir -p "$dir/archives" "$dir/lists/partial" && cd "$dir/archives"
# Retry with new package lists if the machine's are missing or old.
"${apt[@]}" download "${packages[@]}" || {
  apt+=(-o "Dir::State::Lists=$dir/lists")
  "${apt[@]}" update && "${apt[@]}" download "${packages[@]}"
}
for package in *.deb; do dpkg-deb -x "$package" "$dir"; done
cd "$dir" && rm -rf archives lists apt usr/share
# Erlang's start script knows only the place where the package belongs.
sed -i "s|ROOTDIR=/usr/lib/erlang|ROOTDIR=$dir/usr/lib/erlang|" usr/lib/erlang/bin/erl
