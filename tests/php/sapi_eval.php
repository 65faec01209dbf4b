<?php
// Runs what the test sends as the parameter CODE: the test then reads as one piece.
eval($_SERVER['CODE']);
