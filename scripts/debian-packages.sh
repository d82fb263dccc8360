# Sourced: fetch and unpack Debian packages without installing them. apt gets a private state in a scratch folder
# (own lists, own cache, own dpkg status), so the machine's packages, lists and configuration stay as they are.

# debian_open FOLDER SUITE...: make FOLDER the private state and read the indexes of the suites into it: for this
# machine's architecture, or for those in DEBIAN_ARCHITECTURES, of which the first is taken for unnamed packages.
debian_open() {
  local folder=$1 suite
  shift
  mkdir -p "$folder"/{sources,lists/partial,cache/archives/partial}
  : > "$folder/status"
  for suite in "$@"; do debian_source "$suite"; done > "$folder/sources/suites.sources"
  local architecture architectures=${DEBIAN_ARCHITECTURES:-$(dpkg --print-architecture)}
  cat > "$folder/apt.conf" << CONF
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$folder/sources";
Dir::Etc::preferencesparts "/dev/null";
Dir::State::lists "$folder/lists";
Dir::State::status "$folder/status";
Dir::Cache "$folder/cache";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
APT::Architecture "${architectures%% *}";
CONF
  for architecture in $architectures; do echo "APT::Architectures:: \"$architecture\";"; done >> "$folder/apt.conf"
  APT_FOLDER=$folder
  private_apt apt-get update
}

# One suite as a sources entry, on the mirror that the machine itself uses.
debian_source() {
  local suite=$1 mirror=$MIRROR
  case $suite in *-security) mirror=$SECURITY_MIRROR ;; esac
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n\n' "$mirror" "$suite" "$KEYRING"
}

# Find MIRROR, SECURITY_MIRROR, KEYRING and CODENAME; fails where the machine is not a Debian.
debian_here() {
  local configured
  command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null || return 1
  [ "$(. /etc/os-release && echo "$ID")" = debian ] || return 1
  configured=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages')
  CODENAME=$(. /etc/os-release && echo "$VERSION_CODENAME")
  MIRROR=$(sed -n "s/^$CODENAME //p" <<< "$configured" | head -1)
  SECURITY_MIRROR=$(sed -n "s/^$CODENAME-security //p" <<< "$configured" | head -1)
  SECURITY_MIRROR=${SECURITY_MIRROR:-$MIRROR}
  KEYRING=$(ls /usr/share/keyrings/debian-archive-keyring.{gpg,pgp} 2> /dev/null | head -1)
  [ -n "$MIRROR" ] && [ -n "$KEYRING" ]
}

# Run an apt program on the private state; what it says goes to a log that is shown, without hosts, on failure.
private_apt() {
  local log=$APT_FOLDER/log
  APT_CONFIG=$APT_FOLDER/apt.conf "$@" > "$log" 2>&1 && return
  sed -E 's#(https?://)[^/ ]+#\1HOST#g; s/ \[IP: [^]]*\]//' "$log" >&2
  return 1
}

# debian_versions PACKAGE: every version on offer, the newest first.
debian_versions() {
  APT_CONFIG=$APT_FOLDER/apt.conf apt-cache show "$1" 2> /dev/null | sed -n 's/^Version: //p' | sort -rVu
}

# debian_depends PACKAGE=VERSION PATTERN: the first package it depends on whose name matches.
debian_depends() {
  APT_CONFIG=$APT_FOLDER/apt.conf apt-cache show "$1" | sed -n 's/^Depends: //p' | grep -oE "$2" | head -1
}

# debian_unpack FOLDER PACKAGE=VERSION [PATH]: unpack the package, or only PATH of it, into FOLDER.
debian_unpack() {
  local folder=$1 package=$2 debs=$APT_FOLDER/debs
  shift 2
  mkdir -p "$folder" "$debs"
  (cd "$debs" && private_apt apt-get download "$package") || return 1
  dpkg-deb --fsys-tarfile "$debs"/*.deb | tar -x -C "$folder" "$@" || return 1
  rm "$debs"/*.deb
}
