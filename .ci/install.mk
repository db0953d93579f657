# Installing on a workstation. Where things go: DESTDIR stands before every path; PREFIX moves what is sithsd's own; what
# other programs look for in one place alone has a variable of its own, and is left out where that is empty.
# All of it is made in build/root, and only copied from there: `make build`, then `sudo make install`.
PYTHON ?= /usr/bin/python3
DESTDIR ?=
PREFIX ?= /usr
LIBDIR ?= $(PREFIX)/lib/sithsd
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/sithsd
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/vendor-completions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
UNITDIR ?= $(PREFIX)/lib/systemd/system
USERUNITDIR ?= $(PREFIX)/lib/systemd/user
SYSUSERSDIR ?= /usr/lib/sysusers.d
TMPFILESDIR ?= /usr/lib/tmpfiles.d
POLKITDIR ?= /usr/share/polkit-1/rules.d
P11KITDIR ?= /usr/share/p11-kit/modules
# As in drivers/pam/Makefile: below /usr, in the folder of the machine's kind.
SECURITYDIR ?= /usr$(patsubst /usr%,%,$(shell pkg-config --variable=libdir pam 2>/dev/null || echo /lib/$$(gcc -print-multiarch)))/security

PLACES := PYTHON LIBDIR BINDIR SBINDIR MANDIR DOCDIR BASHDIR ZSHDIR FISHDIR UNITDIR USERUNITDIR SYSUSERSDIR TMPFILESDIR POLKITDIR P11KITDIR SECURITYDIR
SETTINGS := $(foreach place,$(PLACES),$(place)=$($(place)))
VENV := $(LIBDIR)/venv
PROGRAMS := sithsctl sithsd sithsd-fetch
ROOT := build/root
# Folders are among them: a file that was removed has changed its folder.
SOURCES = $(shell find sithsd drivers fixtures systemd .ci -name __pycache__ -prune -o -print) $(MAKEFILE_LIST) pyproject.toml README.md ERRORS.md
# $(call put,mode,folder,files): copy into the tree, unless the folder's variable is empty.
put = $(if $(2),install -D -m $(1) -t $(ROOT)$(2) $(3))
# $(call put-as,folder,name,file): the same under another name, with the virtual environment's true place in it.
put-as = $(if $(1),mkdir -p $(ROOT)$(1) && sed 's|/usr/lib/sithsd/venv|$(VENV)|g' $(3) >$(ROOT)$(1)/$(2))

.PHONY: build
build: build/whole ## make what `make install` copies, in build/

.PHONY: FORCE
build/settings: FORCE
	@mkdir -p build && echo '$(SETTINGS)' | cmp -s - $@ || echo '$(SETTINGS)' >$@

build/whole: build/settings $(SOURCES) | setup
	@rm -rf $(ROOT) $@
	@umask 022 && .ci/build-venv $(PYTHON) $(ROOT)$(VENV) $(VENV)
	@mkdir -p $(ROOT)$(BINDIR) $(ROOT)$(SBINDIR)
	@ln -s --relative $(ROOT)$(VENV)/bin/sithsctl $(ROOT)$(BINDIR)/sithsctl
	@ln -s --relative $(ROOT)$(VENV)/bin/sithsd $(ROOT)$(SBINDIR)/sithsd
	@ln -s --relative $(ROOT)$(VENV)/bin/sithsd-fetch $(ROOT)$(SBINDIR)/sithsd-fetch
	@$(BIN)/python .ci/manual-pages $(ROOT)$(MANDIR)
	@mkdir -p $(ROOT)$(BASHDIR) $(ROOT)$(ZSHDIR) $(ROOT)$(FISHDIR)
	@for program in $(PROGRAMS); do \
	    .ci/completion $$program bash >$(ROOT)$(BASHDIR)/$$program && \
	    .ci/completion $$program zsh >$(ROOT)$(ZSHDIR)/_$$program && \
	    .ci/completion $$program fish >$(ROOT)$(FISHDIR)/$$program.fish || exit 1; \
	done
	@$(foreach unit,$(wildcard systemd/*.service systemd/*.socket),$(call put-as,$(UNITDIR),$(notdir $(unit)),$(unit)) &&) true
	@$(foreach unit,$(wildcard systemd/user/*),$(call put-as,$(USERUNITDIR),$(notdir $(unit)),$(unit)) &&) true
	@$(call put-as,$(SYSUSERSDIR),sithsd.conf,systemd/sithsd.sysusers)
	@$(call put-as,$(TMPFILESDIR),sithsd.conf,systemd/sithsd.tmpfiles)
	@$(call put,644,$(POLKITDIR),systemd/50-sithsd.rules)
	@$(call put,644,$(P11KITDIR),systemd/sithsd.module)
	@$(call put,644,$(DOCDIR),README.md ERRORS.md)
	@$(if $(SECURITYDIR),$(MAKE) -s -C drivers/pam OUT=$(CURDIR)/build/pam DESTDIR=$(CURDIR)/$(ROOT) SECURITYDIR=$(SECURITYDIR) install)
	@$(call put-as,$(DOCDIR),PAM.md,drivers/pam/README.md)
	@chmod -R u+rwX,go+rX,go-w $(ROOT)
	@touch $@

.PHONY: install
install: build/whole ## copy it into the system, as root (DESTDIR, PREFIX and more: .ci/install.mk)
	@.ci/installation lay $(ROOT) "$(DESTDIR)" $(LIBDIR)

.PHONY: uninstall
uninstall: ## remove what `make install` copied; settings and the audit stay
	@.ci/installation remove "$(DESTDIR)" $(LIBDIR)

.PHONY: deb
deb: setup ## a Debian package of this machine's Debian and kind, in dist/
	@rm -rf build/deb dist/sithsd_*.deb && mkdir -p build/deb dist && cp -R debian build/deb/debian
	@cd build/deb && CHECKOUT=$(CURDIR) DEB_RULES_REQUIRES_ROOT=no debian/rules binary >../deb.log 2>&1 </dev/null || \
	    { tail -n 25 ../deb.log >&2; echo "deb: failed (the whole output is in build/deb.log)" >&2; exit 1; }
	@ls dist/sithsd_*.deb
