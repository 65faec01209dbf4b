"""Where PHP's settings come from, and opcache."""
import json
import os
import re

import pytest

from weirtest import PHP_ZTS, meet


def ini(www, name):
    return www.run("echo json_encode(ini_get('%s'));" % name).text


def test_php_value_and_php_flag(weir):
    www = weir.pool("php_value[memory_limit] = 77M\n php_flag[display_errors] = on\n php_value[precision] = 5")
    weir.start()
    assert ini(www, "memory_limit") == '"77M"'
    assert ini(www, "display_errors") == '"1"'
    assert www.run("ini_set('precision', 6); echo ini_get('precision');").text == "6"
    assert ini(www, "precision") == '"5"'


def test_php_admin_value_cannot_be_changed(weir):
    www = weir.pool("php_admin_value[memory_limit] = 66M\n php_admin_flag[display_errors] = off")
    weir.start()
    assert www.run("var_dump(ini_set('memory_limit', '99M')); echo ini_get('memory_limit');").text == "bool(false)\n66M"
    assert www.run("var_dump(ini_set('display_errors', '1'));").text == "bool(false)\n"


def test_disable_functions_adds_to_php_ini(weir):
    www = weir.pool("php_admin_value[disable_functions] = system,exec")
    weir.start()
    assert json.loads(www.run("echo json_encode([function_exists('system'), function_exists('exec'), "
                              "function_exists('passthru')]);").text) == [False, False, True]


def test_values_belong_to_one_pool(weir):
    a = weir.pool("php_value[precision] = 5", name="a")
    b = weir.pool("php_value[precision] = 7", name="b")
    weir.start()
    assert (ini(a, "precision"), ini(b, "precision")) == ('"5"', '"7"')


def test_pool_name_in_a_value(weir):
    www = weir.pool("php_value[user_agent] = agent-$pool")
    weir.start()
    assert ini(www, "user_agent") == '"agent-www"'


def test_php_ini_of_the_fpm_folder_without_c(www):
    loaded = www.run("echo php_ini_loaded_file();").text
    assert re.fullmatch(r"/\S+/fpm/php\.ini" if PHP_ZTS else r"/etc/php/[0-9.]+/fpm/php\.ini", loaded)
    said = www.weir.run("-i")           # of the newest PHP that is not for threads
    assert said.returncode == 0 and (PHP_ZTS or loaded in said.stdout)


def test_c_names_a_file(weir):
    www = weir.pool()
    with open(weir.path("my.ini"), "w") as f:
        f.write("precision = 11\n")
    weir.start("-c", weir.path("my.ini"))
    assert www.run("echo php_ini_loaded_file();").text == weir.path("my.ini")
    assert ini(www, "precision") == '"11"'


def test_n_reads_none(weir):
    www = weir.pool()
    weir.start("-n")
    assert www.run("var_dump(php_ini_loaded_file());").text == "bool(false)\n"


def test_d_sets_one(weir):
    www = weir.pool()
    weir.start("-d", "precision=12", "-d", "short_open_tag", "-d", "user_agent=x y")
    assert (ini(www, "precision"), ini(www, "short_open_tag"), ini(www, "user_agent")) == ('"12"', '"1"', '"x y"')


def test_user_ini(www):
    www.write("sub/.user.ini", "precision = 9\nmemory_limit = 55M\nauto_prepend_file = head.php\n")
    www.write("sub/head.php", "echo 'head ';")
    www.write("sub/x.php", "echo ini_get('precision'), ' ', ini_get('memory_limit');")
    assert www.get("/sub/x.php").text == "head 9 55M"
    assert ini(www, "precision") == '"14"'


def test_auto_prepend_and_append(weir):
    www = weir.pool()
    www.also("php_value[auto_prepend_file] = %s\n php_value[auto_append_file] = %s" % (
        www.write("pre.php", "echo 'a';"), www.write("post.php", "echo 'c';")))
    weir.start()
    assert www.run("echo 'b';").text == "abc"


def test_php_value_parameters_from_the_front_end_do_not_stay(www):
    assert www.get(www.script("echo ini_get('precision');"), PHP_VALUE="precision=8").status == 200
    for _ in range(4):
        assert ini(www, "precision") == '"14"'


# ---- opcache

CACHED = "$s = opcache_get_status(true); $n = %r; echo json_encode([(bool) $s, $s['scripts'][$n]['hits'] ?? -1]);"


def write_old(pool, name, code):
    """opcache leaves out files of the last two seconds: this one is old."""
    os.utime(pool.write(name, code), (1, 1))


def hits(pool, script):
    pool.write("status.php", CACHED.replace("%r", "$_GET['n']"))
    return json.loads(pool.get("/status.php?n=" + pool.root + script).text)


@pytest.mark.skipif(PHP_ZTS, reason="two slots may be of one child: see php-zts")
def test_opcache_is_shared_by_the_children(www):
    write_old(www, "page.php", meet(2))
    both = [www.open("/page.php") for _ in range(2)]    # neither is answered before both children run it
    assert len({c.reply().text for c in both}) == 2
    on, before = hits(www, "/page.php")
    assert on and before >= 0
    for _ in range(6):
        www.get("/page.php")
    assert hits(www, "/page.php")[1] == before + 6


def test_opcache_is_not_shared_with_other_pools(weir):
    a, b = weir.pool(name="a"), weir.pool(name="b")
    weir.start()
    write_old(a, "page.php", "echo 1;")
    for _ in range(5):
        a.get("/page.php")
    assert hits(a, "/page.php")[1] >= 1
    assert hits(b, "/page.php") == [True, -1]


def test_a_reset_in_one_pool_leaves_the_other(weir):
    a, b = weir.pool(name="a"), weir.pool(name="b")
    weir.start()
    write_old(b, "page.php", "echo 1;")
    for _ in range(5):
        b.get("/page.php")
    before = hits(b, "/page.php")[1]
    assert a.run("echo json_encode(opcache_reset());").text == "true"
    assert hits(b, "/page.php")[1] >= before


def test_a_changed_script_is_seen(weir):
    www = weir.pool("php_admin_value[opcache.revalidate_freq] = 0")
    weir.start()
    path = www.write("page.php", "echo 'old';")
    os.utime(path, (1, 1))
    assert www.get("/page.php").text == "old"
    www.write("page.php", "echo 'new';")
    assert [www.get("/page.php").text for _ in range(4)] == ["new"] * 4


def test_preload(weir):
    www = weir.pool()
    pre = www.write("preload.php", "class Preloaded { function hi() { return 'hi'; } }"
                    "function preloaded() { return 'f'; }")
    www.also("php_admin_value[opcache.preload] = " + pre)
    weir.start()
    assert www.run("echo (new Preloaded)->hi(), preloaded();").text == "hif"
    assert www.run("echo isset(opcache_get_status()['preload_statistics']) ? 'yes' : 'no';").text == "yes"


def test_preload_belongs_to_one_pool(weir):
    a, b = weir.pool(name="a"), weir.pool(name="b")
    a.also("php_admin_value[opcache.preload] = " + a.write("preload.php", "class Preloaded { }"))
    weir.start()
    code = "echo json_encode(class_exists('Preloaded', false));"
    assert (a.run(code).text, b.run(code).text) == ("true", "false")


def test_an_extension_of_the_pool_s_own(weir):
    www = weir.pool("php_admin_value[opcache.enable] = 0")
    weir.start()
    assert www.run("echo json_encode(ini_get('opcache.enable'));").text == '"0"'
