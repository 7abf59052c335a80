#!/usr/bin/env bash
# Compiles lib/datapath/balancer.c and the probe of the benchmark once per layout: clang 14 or later, the same bytes from any folder.
# With an argument, the objects go there instead of beside the source: scripts/build-datapath.sh <folder>
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../lib/datapath"
output="${1:-objects}"
mkdir -p "$output"

for layout in flat fixed blob dynamic packed compact; do
  for source in balancer lookup-probe; do
    object="$output/$source-$layout.o"
    "${CLANG:-clang}" -O2 -g -mcpu=v3 -target bpf -Wall -Werror -I"/usr/include/$(uname -m)-linux-gnu" \
      -fdebug-compilation-dir=. "-DLAYOUT_${layout^^}" -c "$source.c" -o "$object"
    "${LLVM_STRIP:-llvm-strip}" -g "$object"
  done
done
