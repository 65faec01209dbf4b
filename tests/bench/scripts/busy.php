<?php
// A given amount of work, whatever the clock says: other processes share the core while it is done.
$hash = 0;
for ($i = (int)$_GET['n']; $i > 0; $i--) {
	$hash = ($hash * 31 + $i) & 0xffffff;
}
echo $hash, "\n";
