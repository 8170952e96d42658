# SPDX-License-Identifier: GPL-2.0-only
# Links between pages, as installed in /usr/share/doc/kexec-seed; used with sed -E. What is not
# installed, or not there, keeps its name without a link.
s,\]\(kexec_seed/integration/README\.md\),](integration.md),g
s,\]\(kexec-seed\.conf\),](examples/kexec-seed.conf),g
s,\]\((\.\./)*debian/README\.Debian\),](README.Debian),g
s,\[([^]]*)\]\((\.\./)*(man|tests|kexec|kexec_seed|purgatory)/[^)]*\),\1,g
s,\[([^]]*)\]\((CONTRIBUTING\.md|MAINTAINERS)\),\1,g
