<!DOCTYPE html><title>Weir serves PHP <?= PHP_VERSION ?></title>
<h1>Weir serves PHP <?= PHP_VERSION ?></h1>
<p>Child <?= getmypid() ?> answered, under the SAPI name <?= PHP_SAPI ?>, in
<?= number_format((microtime(true) - $_SERVER['REQUEST_TIME_FLOAT']) * 1000, 2) ?> ms.
<p><a href="dokuwiki/">DokuWiki</a> &middot; <a href="python/">Python</a> &middot;
<a href="native/">C</a> &middot; this page again, with a parameter:
<form method="get">
<input name="text" value="<?= htmlspecialchars($_GET['text'] ?? 'anything') ?>"><button>Send</button>
</form>
<pre><?php
foreach ($_GET as $name => $value) {
	echo htmlspecialchars("$name = " . print_r($value, true)), "\n";
}
