#!/bin/sh
# Fetch and unpack the npm package that holds Holistic's networks of complexity 0 and 2; prints the folder.
# Usage: npm.sh FOLDER
set -eu
version=0.5.1675471629
folder=$1/holistic-$version
if [ ! -e "$folder/package/package.json" ]; then
    mkdir -p "$folder"
    archive=$(npm pack --silent --pack-destination "$folder" "@mediapipe/holistic@$version")
    tar -xzf "$folder/$archive" -C "$folder"
    rm "$folder/$archive"
fi
echo "$folder/package"
