#!/bin/bash
# Clicks through the extension in a windowed Blender under Xvfb, with a real server and real networks. Not part of
# continuous integration: it needs root, a Debian in a folder and about ten minutes.
#
#   debootstrap --variant=minbase trixie CHROOT
#   chroot CHROOT apt-get install -y --no-install-recommends blender xvfb libgl1-mesa-dri libegl1 libegl-mesa0 \
#       libglx-mesa0 imagemagick python3-numpy python3-requests
#   tests/windowed/walk.sh CHROOT [FOLDER]
#
# FOLDER (default /tmp/resilver-walk) is made afresh. It is seen at the same path inside and outside: Blender runs inside,
# the server outside. Pictures go to FOLDER/shots, what was found to FOLDER/*.txt, what Blender said to FOLDER/*.log.
# RESILVER_MODELS may name a folder of models that is used instead of pulling realesr-animevideov3 and rife-4.6.
# PARTS may name some of the parts: "walk leave back".
set -euo pipefail
CHROOT=$(realpath "$1")
FOLDER=$(realpath -m "${2:-/tmp/resilver-walk}")
HERE=$(dirname "$(realpath "$0")")
ROOT=$(realpath "$HERE/../..")
BIN=$ROOT/.venv/bin
PARTS=${PARTS:-walk leave back}
DISPLAY_NUMBER=${DISPLAY_NUMBER:-95}
SERVER=

clean_up() {
    [ -z "$SERVER" ] || kill "$SERVER" 2>/dev/null || true
    mountpoint -q "$CHROOT$FOLDER" && umount "$CHROOT$FOLDER"
    rmdir "$CHROOT$FOLDER" 2>/dev/null || true
}
trap clean_up EXIT

prepare() {
    if [ -e "$FOLDER" ] && [ ! -e "$FOLDER/code/walk.py" ]; then
        echo "$FOLDER is not of an earlier walk: name another folder"
        exit 2
    fi
    case " $PARTS " in *" walk "*) rm -rf "$FOLDER" ;; esac
    mkdir -p "$FOLDER"/{home,shots,blender,temp,code} "$CHROOT$FOLDER"
    mount --bind "$FOLDER" "$CHROOT$FOLDER"
    cp "$HERE"/*.py "$FOLDER/code/"
    if [ -n "${RESILVER_MODELS:-}" ]; then
        ln -sfn "$RESILVER_MODELS" "$FOLDER/home/models"
    else
        RESILVER_HOME=$FOLDER/home "$BIN/resilver" models pull realesr-animevideov3 rife-4.6
    fi
    [ -e "$FOLDER/aged.mp4" ] || RESILVER_HOME=$FOLDER/home "$BIN/python" "$HERE/film.py" "$FOLDER/aged.mp4"
    case " $PARTS " in *" walk "*) rm -f "$FOLDER/serve" ;; *) touch "$FOLDER/serve" ;; esac
    "$BIN/python" "$ROOT/host_plugins/blender/build.py" --platform linux-x64 --output "$FOLDER/zip"
    inside blender --command extension install-file -r user_default --enable "$FOLDER"/zip/*linux_x64.zip
}

# A command in the chroot, where no server is installed
inside() {
    chroot "$CHROOT" env -i PATH=/usr/bin:/bin LANG=C.UTF-8 HOME="$FOLDER/blender" TMPDIR="$FOLDER/temp" \
        BLENDER_USER_RESOURCES="$FOLDER/blender" RESILVER_HOME="$FOLDER/home" RESILVER_WALK="$FOLDER" \
        LIBGL_ALWAYS_SOFTWARE=1 "$@"
}

# The server comes when the walk asks for it with a file
serve() {
    (
        while [ ! -e "$FOLDER/serve" ]; do sleep 0.2; done
        exec env RESILVER_HOME="$FOLDER/home" OMP_NUM_THREADS=2 "$BIN/resilver" serve >"$FOLDER/server.log" 2>&1
    ) &
    SERVER=$!
    while [ -e "$FOLDER/serve" ] && [ ! -e "$FOLDER/home/server.json" ]; do sleep 0.2; done
}

# One part in a Blender of its own: it has to end well, and nothing may have gone wrong that only the console tells
part() {
    local status=0
    inside timeout 900 bash -c "Xvfb :$DISPLAY_NUMBER -screen 0 2400x1500x24 +extension GLX >/dev/null 2>&1 & X=\$!
        sleep 1
        DISPLAY=:$DISPLAY_NUMBER blender --window-geometry 400 250 1600 1000 --enable-event-simulate \
            --python '$FOLDER/code/walk.py' -- $1
        STATUS=\$?; kill \$X; wait \$X 2>/dev/null; exit \$STATUS" >"$FOLDER/$1.log" 2>&1 || status=$?
    if [ $status -ne 0 ] || grep -E "^Traceback|EXCEPTION_|Segmentation" "$FOLDER/$1.log"; then
        echo "$1: exit status $status"
        tail -40 "$FOLDER/$1.log"
        exit 1
    fi
    cat "$FOLDER/$1.txt"
    echo "$1: exit status 0, no exception"
}

prepare
serve
for each in $PARTS; do part "$each"; done
