# Every target works on a fresh machine: each installs and builds what it needs. See scripts/.
.PHONY: setup build prebuilt archive image release traefik s3 demo test bench kernels lint clean

build:
	@scripts/build
setup:
	@scripts/setup
archive:
	@scripts/archive
image:
	@scripts/image
release:
	@scripts/release
prebuilt:
	@scripts/prebuilt
traefik:
	@scripts/traefik
s3:
	@scripts/s3
demo:
	@scripts/demo
test:
	@scripts/test
bench:
	@scripts/bench
# Boots Linux 5.10, 6.1 and 6.12 under emulation: minutes each.
kernels:
	@scripts/kernels
lint:
	@scripts/lint
clean:
	cargo clean
