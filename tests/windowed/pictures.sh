#!/bin/bash
# Makes the pictures of docs/blender.md out of the walk's: pictures.sh CHROOT [FOLDER]. ImageMagick is in the chroot.
set -euo pipefail
CHROOT=$(realpath "$1")
FOLDER=$(realpath -m "${2:-/tmp/resilver-walk}")
DOCS=$(realpath "$(dirname "$0")/../../docs/blender")
SIDEBAR=374x

# NAME PART-OF-THE-WINDOW [SCALE]
picture() {
    chroot "$CHROOT" magick png:- -crop "$3" +repage -resize "${4:-100%}" -strip +dither -colors 250 -define png:compression-level=9 \
        png8:- <"$FOLDER/shots/$2.png" >"$DOCS/$1.png"
}

mkdir -p "$DOCS"
picture no-server 01-server-missing ${SIDEBAR}340+1226+53
picture preferences 02-preferences 515x338+173+195
picture progress 06-progress 1600x1000+0+0 68%
picture restored 08-restored 1600x1000+0+0 68%
picture out-of-date 12-out-of-date ${SIDEBAR}620+1226+53
picture preview 14-preview 1520x780+0+0 60%
picture in-the-way 16-in-the-way ${SIDEBAR}420+1226+53
picture new-scene 21-new-scene 1215x1000+0+0 68%
ls -l "$DOCS"
