# Sourced: what rustup can add.

# rustup_adds TRIPLE...: have rustup add the standard library for these targets. Not where it was told to install nothing
# by itself, as by RUSTUP_AUTO_INSTALL=0.
rustup_adds() {
  [ "${RUSTUP_AUTO_INSTALL:-1}" != 0 ] && command -v rustup > /dev/null && timeout 600 rustup target add "$@"
}
