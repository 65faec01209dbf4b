"""A copy of Debian's DokuWiki with an administrator: a real application on flat files."""
import hashlib
import os
import re
import shutil
import subprocess

SOURCE = "/usr/share/dokuwiki"
DATA = ["attic", "cache", "index", "locks", "log", "media", "media_attic", "media_meta", "meta", "pages", "tmp"]
USER, PASSWORD = "admin", "secret-word"


def install(folder, owner):
    """Copy DokuWiki into folder (its document root); owner writes its data. None: the user we are."""
    shutil.copytree(SOURCE, folder, symlinks=False, ignore_dangling_symlinks=True,
                    ignore=shutil.ignore_patterns(".htaccess*", "install.php", "testing"))
    shutil.copytree("/etc/dokuwiki", folder + "/conf", symlinks=False, ignore_dangling_symlinks=True,
                    ignore=shutil.ignore_patterns("*.php.example", "apache.conf"))
    for name in DATA:                   # Debian's own is for www-data's eyes only
        os.makedirs(os.path.join(folder, "data", name))
    _rewrite(folder + "/inc/preload.php", lambda text: text.replace("'/etc/dokuwiki/'", "'%s/conf/'" % folder))
    with open(folder + "/conf/local.php", "w") as f:
        f.write("<?php\n$conf['title'] = 'Weir test wiki';\n$conf['useacl'] = 1;\n$conf['superuser'] = '@admin';\n"
                "$conf['savedir'] = '%s/data';\n" % folder)
    with open(folder + "/conf/users.auth.php", "w") as f:
        f.write("# <?php exit()?>\n%s:%s:Tester:tester@example.test:admin,user\n" % (
            USER, hashlib.md5(PASSWORD.encode()).hexdigest()))
    with open(folder + "/conf/acl.auth.php", "w") as f:
        f.write("# <?php exit()?>\n* @ALL 1\n* @user 8\n")
    if owner:
        subprocess.run(["chown", "-R", owner + ":", folder], check=True)
    return folder


def _rewrite(path, change):
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(change(text))


def field(page, name):
    """The value of a hidden field of a form."""
    tag = re.search(r'<input[^>]*name="%s"[^>]*>' % name, page)
    value = tag and re.search(r'value="([^"]*)"', tag.group(0))
    return value.group(1) if value else ""


def page_file(folder, name):
    return os.path.join(folder, "data", "pages", name + ".txt")
