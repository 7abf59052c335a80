#!/usr/bin/env bash
# Compiles lib/datapath/balancer.c and the lookup probe once per layout, and the step probe once per step: clang 14 or later, the same
# bytes from any folder.
# With an argument, the objects go there instead of beside the source: scripts/build-datapath.sh <folder>
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../lib/datapath"
output="${1:-objects}"
mkdir -p "$output"

compile () {  # <source> <object> <macro>
  "${CLANG:-clang}" -O2 -g -mcpu=v3 -target bpf -Wall -Werror -I"/usr/include/$(uname -m)-linux-gnu" \
    -fdebug-compilation-dir=. "-D$3" -c "$1" -o "$output/$2"
  "${LLVM_STRIP:-llvm-strip}" -g "$output/$2"
}

for layout in flat fixed blob dynamic packed compact; do
  compile balancer.c "balancer-$layout.o" "LAYOUT_${layout^^}"
  compile lookup-probe.c "lookup-probe-$layout.o" "LAYOUT_${layout^^}"
done
for step in no-lookup inlined called indirect no-modulo immediate rodata max-entries; do
  macro="STEP_${step^^}"
  compile step-probe.c "step-probe-$step.o" "${macro//-/_}"
done
