#!/bin/sh
# install_env.sh PROJECT [OPTION…]: makes PROJECT/.venv as its uv.lock says, and its bill of materials.
# With PACKAGE_INDEX, the same files come from that index: uv alone would take the addresses in the lock file.
set -eu
project=$1
shift
if [ -z "${PACKAGE_INDEX:-}" ]; then
    uv sync --quiet --project "$project" "$@"
else
    export UV_DEFAULT_INDEX="$PACKAGE_INDEX"
    locked=$(mktemp)
    uv export --quiet --project "$project" --no-emit-project --no-emit-local --output-file "$locked"
    uv venv --quiet "$project/.venv"
    uv pip sync --quiet --python "$project/.venv/bin/python" --require-hashes "$locked"
    [ ! -d "$project/torch_stub" ] \
        || uv pip install --quiet --python "$project/.venv/bin/python" --no-deps "$project/torch_stub"
    rm "$locked"
fi
# What nothing reads at run time: languages other than the portal's, AWS services other than S3, tests.
cd "$project"/.venv/lib/python3.11/site-packages
find . -path './django*/locale/*' -prune -type d ! -name 'en*' ! -name 'zh_Hans*' -exec rm -rf {} +
find . -path './botocore/data/*' -prune -type d ! -name 's3*' ! -name sts -exec rm -rf {} +
find . -path "./zstandard/_cffi*.so" -delete  # the C backend is used
find . -type d -name tests ! -path './paddle*' -prune -exec rm -rf {} +
find . -path './django/contrib/gis' -prune -exec rm -rf {} +
# Symbols for debuggers, 26 MB of them. Only of libraries that were built in one piece: those that were edited
# after linking, to find the libraries they carry, do not always survive it.
find . \( -path './zstandard/*' -o -path './_brotli*' -o -path './cryptography/*' -o -path './pycocotools/*' \
    -o -path './yaml/*' -o -path './nacl/*' -o -path './httptools/*' -o -path './wrapt/*' \) \
    -name '*.so' -exec strip --strip-unneeded {} +
# The portal builds no extensions, and type stubs are for editors. (In a worker's environment both may be read.)
if [ "$project" = . ]; then
    rm -rf numpy/f2py numpy/distutils
    find . -name '*.pyi' -delete
fi
