<?php
$conf['savedir'] = './data';         // Debian's is /var/lib/dokuwiki/data
$conf['title'] = 'Weir serves DokuWiki';
$conf['useacl'] = 1;
$conf['superuser'] = '@admin';
$conf['disableactions'] = 'register,resendpwd';
