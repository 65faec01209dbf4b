<?php
echo "never seen\n";
this is no PHP
