#!/usr/bin/env bash
# Measures on this machine's GPU. Needs an NVIDIA driver and nothing else where it stands in what `npm run bench:gpu:pack` made; in the repository it takes
# its Node, its dist and its node_modules. Options: see measure.mjs.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

node="$root/bin/node"
[ -x "$node" ] || node="$(command -v node)" || { echo "there is no Node: take the package that npm run bench:gpu:pack makes" >&2; exit 5; }

# The first file of this name that the loader knows, or that stands where drivers put it.
find_library() {
  local found
  found="$( (ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null || true) | awk -v name="$1" '$1 == name { print $NF; exit }')"
  if [ -n "$found" ]; then echo "$found"; return; fi
  for folder in /usr/lib/x86_64-linux-gnu /usr/lib64 /usr/lib /usr/local/nvidia/lib64 /usr/local/nvidia/lib /usr/lib/wsl/lib /usr/local/lib; do
    if [ -e "$folder/$1" ]; then echo "$folder/$1"; return; fi
  done
}

software=0
for option in "$@"; do [ "$option" = --software ] && software=1; done

libraries="${LD_LIBRARY_PATH:-}"
if [ "$software" = 1 ]; then
  for folder in /usr/lib/chromium /usr/lib/chromium-browser /opt/google/chrome; do
    if [ -e "$folder/vk_swiftshader_icd.json" ]; then export VK_ICD_FILENAMES="$folder/vk_swiftshader_icd.json"; libraries="$libraries:$folder"; break; fi
  done
elif [ -z "${VK_ICD_FILENAMES:-}" ] && ! ls /usr/share/vulkan/icd.d/nvidia*.json /etc/vulkan/icd.d/nvidia*.json >/dev/null 2>&1; then
  # A driver without the file that announces it: libGLX needs libraries of X, libEGL does not.
  for name in libGLX_nvidia.so.0 libEGL_nvidia.so.0; do
    library="$(find_library "$name")"
    [ -n "$library" ] || continue
    if LD_LIBRARY_PATH="$root/lib:$libraries" ldd "$library" 2>/dev/null | grep -q 'not found'; then echo "$library lacks: $(LD_LIBRARY_PATH="$root/lib:$libraries" ldd "$library" | awk '/not found/ { print $1 }' | tr '\n' ' ')" >&2; continue; fi
    printf '{ "file_format_version": "1.0.0", "ICD": { "library_path": "%s", "api_version": "1.3.0" } }\n' "$library" > "$work/nvidia_icd.json"
    export VK_ICD_FILENAMES="$work/nvidia_icd.json"
    echo "Vulkan driver: $library (announced by this script)" >&2
    break
  done
fi
# A loader of its own, only where the system has none; libraries of X that drivers want come last.
[ -d "$root/lib" ] && libraries="$libraries:$root/lib"
export LD_LIBRARY_PATH="${libraries#:}"
"$node" "$here/measure.mjs" "$@"
