<?php
// As a page that waits for its database.
usleep(1000 * (int)$_GET['ms']);
echo "waited\n";
